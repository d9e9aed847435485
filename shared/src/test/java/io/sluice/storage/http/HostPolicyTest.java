package io.sluice.storage.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.model.ErrorKind;
import io.sluice.storage.StorageException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostPolicyTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.0.0.0",
        "0.1.2.3",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:1::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1"
      })
  void whatIsNotPublicIsRefused(String address) throws UnknownHostException {
    assertThat(HostPolicy.isPublic(InetAddress.getByName(address))).isFalse();
    String host = address.contains(":") ? "[" + address + "]" : address;
    StorageException e = refused(HostPolicy.publicOnly(), "https://" + host + "/model");
    assertThat(e.kind()).isEqualTo(ErrorKind.FORBIDDEN);
    assertThat(e.code()).isEqualTo("host-refused");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "169.254.169.254",
        "169.254.170.2",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1"
      })
  void whatGivesAwayCredentialsIsRefusedEvenIfItIsNamed(String address) {
    String host = address.contains(":") ? "[" + address + "]" : address;
    for (String scheme : new String[] {"http", "https"}) {
      StorageException e =
          refused(HostPolicy.publicAnd(Set.of(address)), scheme + "://" + host + "/model");
      assertThat(e.code()).isEqualTo("host-refused");
      assertThat(e.getMessage()).contains("credentials");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1.1.1.1",
        "9.255.255.255",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.167.1.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00:1450::1",
        "64:ff9b::101:101",
        "2002:101:101::1"
      })
  void whatIsPublicIsAllowedOverHttpsOnly(String address) {
    String host = address.contains(":") ? "[" + address + "]" : address;
    HostPolicy.publicOnly().check(URI.create("https://" + host + "/model"));
    assertThat(refused(HostPolicy.publicOnly(), "http://" + host + "/model").code())
        .isEqualTo("host-refused");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"https://localhost/", "https://2130706433/", "https://0x7f.1/", "https://127.1/"})
  void otherWritingsOfLoopbackAreRefused(String url) {
    StorageException e = refused(HostPolicy.publicOnly(), url);
    assertThat(e.code()).isIn("host-refused", "store-unavailable", "url-invalid");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ftp://1.1.1.1/x",
        "file:///etc/passwd",
        "jar:https://1.1.1.1/x!/y",
        "https:///x",
        "relative",
        "https://user:secret@1.1.1.1/x"
      })
  void whatIsNoPlainHttpsUrlIsInvalid(String url) {
    StorageException e = refused(HostPolicy.publicOnly(), url);
    assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
    assertThat(e.code()).isEqualTo("url-invalid");
    assertThat(e).hasMessageNotContaining("secret");
  }

  @Test
  void namedHostsAreAllowedWhereverTheyAre() {
    HostPolicy policy = HostPolicy.publicAnd(Set.of("127.0.0.1", "LocalHost", "::1"));
    policy.check(URI.create("http://127.0.0.1:8080/x"));
    policy.check(URI.create("https://LOCALhost/x"));
    policy.check(URI.create("http://[::1]/x"));
    assertThat(refused(policy, "https://127.0.0.2/x").code()).isEqualTo("host-refused");
  }

  private static StorageException refused(HostPolicy policy, String url) {
    StorageException e =
        catchThrowableOfType(StorageException.class, () -> policy.check(URI.create(url)));
    assertThat(e).as("a StorageException").isNotNull();
    return e;
  }
}
