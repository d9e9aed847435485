package io.sluice.functions.wiring;

import io.quarkus.runtime.LaunchMode;
import io.quarkus.runtime.StartupEvent;
import io.sluice.functions.audit.AuditLog;
import io.sluice.functions.auth.AccessPolicy;
import io.sluice.functions.auth.Authenticator;
import io.sluice.functions.auth.ClusterKey;
import io.sluice.functions.auth.JwtSettings;
import io.sluice.functions.auth.JwtVerifier;
import io.sluice.functions.auth.RateLimiter;
import io.sluice.functions.auth.StaticTokens;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.config.SluiceConfig.AuthMode;
import io.sluice.http.RequestSigner;
import io.sluice.model.InvalidValueException;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/** Who may call, as it is configured; a server that would be open by mistake does not start. */
@Singleton
public class AuthWiring {
  private static final Logger LOG = Logger.getLogger(AuthWiring.class);

  @Inject SluiceConfig config;

  @ConfigProperty(name = "quarkus.http.host-enabled", defaultValue = "true")
  boolean serves;

  @ConfigProperty(name = "quarkus.http.host")
  String host;

  /** Whatever is wrong is told before anybody can call. */
  void start(@Observes StartupEvent event, AccessPolicy policy) {
    if (serves && policy.authenticator().isEmpty()) {
      LOG.warnf(
          "Open: everybody who reaches %s may do everything, no tokens are asked for (%s)",
          host,
          config.auth().mode() == AuthMode.OPEN
              ? "sluice.auth.mode=open"
              : onLambda() ? "AWS has asked" : "dev mode on loopback");
    }
  }

  @Produces
  @Singleton
  AccessPolicy policy() {
    SluiceConfig.Auth auth = config.auth();
    StaticTokens tokens = StaticTokens.parse(tokens(auth));
    boolean configured = !tokens.isEmpty() || auth.jwt().issuer().isPresent();
    if (!serves || auth.mode() == AuthMode.OPEN) {
      return new AccessPolicy(Optional.empty());
    }
    if (configured) {
      ClusterKey cluster =
          clusterKey()
              .orElseThrow(
                  () ->
                      invalid(
                          "callers need tokens, and workers a secret that they know each other by:"
                              + " set sluice.auth.cluster-secret, the same for all workers"));
      return new AccessPolicy(Optional.of(new Authenticator(tokens, jwt(auth.jwt()), cluster)));
    }
    boolean dev = LaunchMode.current().isDevOrTest();
    if (auth.mode() == AuthMode.AUTO && isLoopback(host) && (dev || onLambda())) {
      return new AccessPolicy(Optional.empty());
    }
    throw invalid(
        "nobody could call this server at "
            + host
            + ", or everybody: set sluice.auth.tokens (see 'sluice token') or"
            + " sluice.auth.jwt.issuer; sluice.auth.mode=open lets everybody who reaches it do"
            + " everything");
  }

  /** Only AWS reaches the server of an instance, and it knows who invokes. */
  private boolean onLambda() {
    return config.engine() == SluiceConfig.Engine.LAMBDA;
  }

  @Produces
  @Singleton
  RequestSigner signer() {
    return clusterKey()
        .<RequestSigner>map(key -> (method, path) -> Optional.of(key.authorization(method, path)))
        .orElse(RequestSigner.NONE);
  }

  @Produces
  @Singleton
  RateLimiter limiter() {
    int rate = config.auth().requestsPerSecond();
    if (rate < 0) {
      throw invalid("sluice.auth.requests-per-second is 0 or more, got " + rate);
    }
    return new RateLimiter(rate, System::nanoTime);
  }

  @Produces
  @Singleton
  AuditLog audit() {
    return new AuditLog(InstantSource.system());
  }

  private static List<String> tokens(SluiceConfig.Auth auth) {
    List<String> lines = new ArrayList<>(auth.tokens().orElse(List.of()));
    auth.tokensFile()
        .ifPresent(
            file ->
                read(file, "sluice.auth.tokens-file")
                    .lines()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .forEach(lines::add));
    return lines;
  }

  private Optional<ClusterKey> clusterKey() {
    SluiceConfig.Auth auth = config.auth();
    if (auth.clusterSecret().isPresent() && auth.clusterSecretFile().isPresent()) {
      throw invalid(
          "sluice.auth.cluster-secret and sluice.auth.cluster-secret-file are set both; one is"
              + " enough");
    }
    return auth.clusterSecret()
        .or(
            () ->
                auth.clusterSecretFile()
                    .map(file -> read(file, "sluice.auth.cluster-secret-file").strip()))
        .map(secret -> new ClusterKey(secret, InstantSource.system()));
  }

  private static Optional<JwtVerifier> jwt(SluiceConfig.AuthJwt jwt) {
    if (jwt.issuer().isEmpty()) {
      return Optional.empty();
    }
    URI issuer = jwt.issuer().get();
    String audience =
        jwt.audience()
            .orElseThrow(
                () ->
                    invalid(
                        "sluice.auth.jwt.issuer is set and sluice.auth.jwt.audience is not:"
                            + " tokens for others would count"));
    return Optional.of(
        new JwtVerifier(
            new JwtSettings(
                issuer, audience, jwt.keys(), jwt.roleClaim(), jwt.rolePrefix(), jwt.refresh()),
            InstantSource.system(),
            System::nanoTime));
  }

  private static String read(Path file, String setting) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw invalid("the file '" + file + "' of " + setting + " cannot be read: " + e.getMessage());
    }
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private static InvalidValueException invalid(String message) {
    return new InvalidValueException("config-invalid", message);
  }
}
