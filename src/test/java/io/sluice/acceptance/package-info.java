/**
 * Acceptance tests: the packaged application as real processes beside a real S3 and a real Redis,
 * judged from outside, over HTTP, the command line and the bucket. Nothing here uses a class of the
 * application; files are written and read by small writers and readers of the tests' own.
 */
package io.sluice.acceptance;
