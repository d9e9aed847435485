/**
 * Training and use of linear models, data-parallel: each partition of a dataset's rows is a task,
 * and each step of the training a round of a job.
 */
package io.sluice.compute.train;
