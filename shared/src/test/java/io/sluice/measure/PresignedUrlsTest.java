package io.sluice.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class PresignedUrlsTest {
  /**
   * The example of Amazon S3's documentation, "Authenticating requests: using query parameters".
   */
  @Test
  void signsAsTheReferenceDoes() {
    StoreAccess access =
        new StoreAccess(
            URI.create("https://s3.amazonaws.com"),
            false,
            "us-east-1",
            "examplebucket",
            "",
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "");
    URI url =
        new PresignedUrls(access, Instant.parse("2013-05-24T00:00:00Z"), 86_400)
            .of("GET", "test.txt");
    assertThat(url)
        .hasToString(
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                + "&X-Amz-Signature="
                + "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
  }
}
