package io.sluice.cache.peer;

import java.time.Duration;

/**
 * How patient to be with other workers.
 *
 * @param connectTimeout how long connecting may take
 * @param timeout how long one chunk may take, waiting for its turn at the peer included
 */
public record PeerSettings(Duration connectTimeout, Duration timeout) {}
