/**
 * CloudEvents 1.0 that say and hear what was uploaded: the values, how they travel over HTTP, the
 * job that delivers one, and the port that remembers which were received.
 */
package io.sluice.event;
