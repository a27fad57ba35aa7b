// SPDX-License-Identifier: GPL-2.0
/*
 * A cpufreq driver without hardware, for tests of what ktask does under a
 * governor: one policy for each CPU, and nothing that happens when a frequency
 * is chosen. With setpolicy=1 the driver has no governors and is only told
 * whether to prefer performance or to save power, as intel_pstate is in active
 * mode; name= makes it pass for another driver.
 */
#include <linux/cpufreq.h>
#include <linux/module.h>

static bool setpolicy;
module_param(setpolicy, bool, 0444);
MODULE_PARM_DESC(setpolicy, "Be a driver that is given a policy, not frequencies");

static struct cpufreq_frequency_table frequencies[] = {
	{ .frequency = 1000000 },
	{ .frequency = 2000000 },
	{ .frequency = 3000000 },
	{ .frequency = CPUFREQ_TABLE_END },
};

static int test_init(struct cpufreq_policy *policy)
{
	policy->freq_table = frequencies;
	policy->cur = frequencies[0].frequency;
	policy->cpuinfo.transition_latency = NSEC_PER_MSEC;
	/* Until another one is chosen. */
	if (setpolicy)
		policy->policy = CPUFREQ_POLICY_PERFORMANCE;
	return 0;
}

/* The core remembers what was chosen. */
static int test_target_index(struct cpufreq_policy *policy, unsigned int index)
{
	return 0;
}

static int test_setpolicy(struct cpufreq_policy *policy)
{
	return 0;
}

static struct cpufreq_driver driver = {
	.name = "ktask_cpufreq",
	.init = test_init,
	.verify = cpufreq_generic_frequency_table_verify,
};

module_param_string(name, driver.name, sizeof(driver.name), 0444);
MODULE_PARM_DESC(name, "Name of the driver");

static int __init ktask_cpufreq_init(void)
{
	if (setpolicy)
		driver.setpolicy = test_setpolicy;
	else
		driver.target_index = test_target_index;
	return cpufreq_register_driver(&driver);
}

static void __exit ktask_cpufreq_exit(void)
{
	cpufreq_unregister_driver(&driver);
}

module_init(ktask_cpufreq_init);
module_exit(ktask_cpufreq_exit);
MODULE_DESCRIPTION("A cpufreq driver without hardware, for tests of ktask");
MODULE_LICENSE("GPL");
