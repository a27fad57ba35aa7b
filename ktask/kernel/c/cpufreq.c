// SPDX-License-Identifier: GPL-2.0
/* Frequency governors. */
#include <linux/cpufreq.h>
#include <linux/cpumask.h>
#include <linux/string.h>

#include "glue.h"

#ifdef CONFIG_CPU_FREQ
/*
 * Drivers that choose the frequency themselves. "powersave" is what these call
 * their default, and no sign that energy matters more than time.
 */
static const char * const active_drivers[] = { "intel_pstate", "amd-pstate-epp" };

static bool policy_saves_power(struct cpufreq_policy *policy)
{
	const struct cpufreq_governor *governor = policy->governor;
	const char *driver = cpufreq_get_current_driver();

	if (governor)
		return !strcmp(governor->name, "powersave") ||
		       !strcmp(governor->name, "conservative");
	return policy->policy == CPUFREQ_POLICY_POWERSAVE && driver &&
	       match_string(active_drivers, ARRAY_SIZE(active_drivers), driver) < 0;
}

bool ktask_c_has_cpufreq(void)
{
	return cpufreq_get_current_driver();
}

bool ktask_c_saving_power(void)
{
	unsigned int cpu;
	bool saving = false;

	for_each_online_cpu(cpu) {
		struct cpufreq_policy *policy = cpufreq_cpu_get(cpu);

		if (!policy)
			continue;
		/* Governor and driver cannot go while this is held. */
		if (policy->cpu == cpu && down_read_trylock(&policy->rwsem)) {
			saving = policy_saves_power(policy);
			up_read(&policy->rwsem);
		}
		cpufreq_cpu_put(policy);
		if (saving)
			return true;
	}
	return false;
}
#else
bool ktask_c_has_cpufreq(void)
{
	return false;
}

bool ktask_c_saving_power(void)
{
	return false;
}
#endif
