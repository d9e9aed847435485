/**
 * What models are made of, which versions and tags they have, and what of them may be deleted.
 *
 * <p>Imports {@code model} and the port of {@code storage}, never an adapter: the store is where
 * manifests live, so this is the one port that stands on another.
 */
package io.sluice.manifest;
