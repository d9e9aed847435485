package io.sluice.functions.auth;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/**
 * Which JSON Web Tokens count.
 *
 * @param issuer the {@code iss} that they must have
 * @param audience the {@code aud} that they must have among theirs
 * @param keys path of a file or URL of the issuer's set of keys; the issuer's OpenID configuration
 *     names it if empty
 * @param roleClaim claim with names of roles; dots lead into objects
 * @param rolePrefix what stands before {@code read}, {@code write} and {@code admin} in it
 * @param refresh how long keys are kept
 */
public record JwtSettings(
    URI issuer,
    String audience,
    Optional<String> keys,
    String roleClaim,
    String rolePrefix,
    Duration refresh) {}
