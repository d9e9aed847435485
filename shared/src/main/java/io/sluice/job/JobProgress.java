package io.sluice.job;

/**
 * How far a job is. Bytes are those of the tasks' weights: a task that is done counts with its
 * whole weight, one that runs with what it has reported, at most its weight.
 *
 * @param tasksTotal number of tasks, 0 while planning
 * @param tasksDone tasks that are done
 * @param bytesTotal sum of the weights of all tasks
 * @param bytesDone bytes done
 */
public record JobProgress(int tasksTotal, int tasksDone, long bytesTotal, long bytesDone) {}
