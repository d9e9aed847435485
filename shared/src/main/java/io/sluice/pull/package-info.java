/** Puts the files of a model together again from its shards and skeletons. */
package io.sluice.pull;
