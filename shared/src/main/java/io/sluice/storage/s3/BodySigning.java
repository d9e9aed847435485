package io.sluice.storage.s3;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.auth.aws.scheme.AwsV4AuthScheme;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4FamilyHttpSigner;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.AsyncSignRequest;
import software.amazon.awssdk.http.auth.spi.signer.AsyncSignedRequest;
import software.amazon.awssdk.http.auth.spi.signer.SignRequest;
import software.amazon.awssdk.http.auth.spi.signer.SignedRequest;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.identity.spi.IdentityProvider;
import software.amazon.awssdk.identity.spi.IdentityProviders;

/**
 * Signature version 4 as the SDK has it, but for bodies that lie in memory: it is told that there
 * is none, so that it neither reads nor wraps them. Their hash is then {@code UNSIGNED-PAYLOAD}, as
 * the SDK itself has it over TLS, and its asynchronous clients over plain HTTP too.
 *
 * @see <a href="https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html">
 *     Signature calculations</a>
 */
final class BodySigning implements AwsV4AuthScheme {
  private final AwsV4AuthScheme sdk = AwsV4AuthScheme.create();
  private final AwsV4HttpSigner signer;

  /**
   * @param signed whether the hash of a body is signed where the SDK would sign it
   */
  BodySigning(boolean signed) {
    this.signer = new Signer(sdk.signer(), signed);
  }

  @Override
  public String schemeId() {
    return sdk.schemeId();
  }

  @Override
  public IdentityProvider<AwsCredentialsIdentity> identityProvider(IdentityProviders providers) {
    return sdk.identityProvider(providers);
  }

  @Override
  public AwsV4HttpSigner signer() {
    return signer;
  }

  private record Signer(AwsV4HttpSigner sdk, boolean signed) implements AwsV4HttpSigner {
    @Override
    public SignedRequest sign(SignRequest<? extends AwsCredentialsIdentity> request) {
      Optional<ContentStreamProvider> body = request.payload();
      boolean inMemory =
          Transfer.current().filter(transfer -> !transfer.body().isEmpty()).isPresent();
      boolean summed =
          request.hasProperty(AwsV4FamilyHttpSigner.CHECKSUM_ALGORITHM)
              || request.request().firstMatchingHeader("x-amz-trailer").isPresent();
      if (body.isEmpty() || !inMemory || summed) {
        return sdk.sign(request);
      }
      SignRequest<? extends AwsCredentialsIdentity> plain =
          signed
              ? request.copy(
                  b -> b.putProperty(AwsV4FamilyHttpSigner.CHUNK_ENCODING_ENABLED, false))
              : request.copy(
                  b ->
                      b.payload(null)
                          .putProperty(AwsV4FamilyHttpSigner.CHUNK_ENCODING_ENABLED, false)
                          .putProperty(AwsV4FamilyHttpSigner.PAYLOAD_SIGNING_ENABLED, false));
      return SignedRequest.builder().request(sdk.sign(plain).request()).payload(body.get()).build();
    }

    @Override
    public CompletableFuture<AsyncSignedRequest> signAsync(
        AsyncSignRequest<? extends AwsCredentialsIdentity> request) {
      return sdk.signAsync(request);
    }
  }
}
