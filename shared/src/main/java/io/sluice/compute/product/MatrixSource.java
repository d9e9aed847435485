package io.sluice.compute.product;

import io.sluice.compute.ShardAccess;
import io.sluice.compute.StoredTensors;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;

/**
 * Where matrices and other inputs of products are found and read.
 *
 * @param manifests what models there are
 * @param registry which worker holds which shard
 * @param shards the bytes of matrices
 * @param tensors the other inputs
 */
public record MatrixSource(
    ManifestRepository manifests,
    WorkerRegistry registry,
    ShardAccess shards,
    StoredTensors tensors) {}
