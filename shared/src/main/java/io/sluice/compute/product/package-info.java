/** Products with a matrix that lies in shards: {@code matmul} and {@code topk}. */
package io.sluice.compute.product;
