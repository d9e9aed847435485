package io.sluice.devservices.deployment;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.util.Optional;
import org.eclipse.microprofile.config.ConfigProvider;

/** The configuration that the application of a test sees. */
final class Settings {
  private Settings() {}

  static Optional<String> of(String name) {
    return ConfigProvider.getConfig().getOptionalValue(name, String.class);
  }

  /** Whether something listens at the address that a property holds. */
  static boolean listens(String name) {
    URI uri = URI.create(of(name).orElseThrow());
    try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }
}
