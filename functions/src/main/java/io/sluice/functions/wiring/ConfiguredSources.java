package io.sluice.functions.wiring;

import io.sluice.functions.config.SluiceConfig;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.sluice.source.FolderSource;
import io.sluice.source.StoreSource;
import io.sluice.source.WebSource;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardReader;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.http.HostPolicy;
import io.sluice.storage.http.HttpReader;
import io.sluice.storage.http.HttpSettings;
import io.sluice.storage.s3.S3ShardStore;
import io.sluice.upload.ModelSource;
import io.sluice.upload.SourceOpener;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import software.amazon.awssdk.services.s3.S3Client;

/** Opens the sources that the {@code upload} function may read: by scheme, as configured. */
final class ConfiguredSources implements SourceOpener {
  private final SluiceConfig.Sources config;
  private final Supplier<S3Client> s3;
  private final HttpClient http;
  private final RetryPolicy retry;

  ConfiguredSources(
      SluiceConfig.Sources config, Supplier<S3Client> s3, HttpClient http, RetryPolicy retry) {
    this.config = config;
    this.s3 = s3;
    this.http = http;
    this.retry = retry;
  }

  @Override
  public ModelSource open(String source) {
    URI uri = parse(source);
    return switch (String.valueOf(uri.getScheme())) {
      case "s3" -> store(uri);
      case "https", "http" -> web(uri);
      case "file" -> folder(uri);
      default ->
          throw invalid("a source starts with s3://, https:// or file:/, got '" + source + "'");
    };
  }

  private ModelSource store(URI uri) {
    if (uri.getHost() == null && uri.getAuthority() == null) {
      throw invalid("an S3 source is s3://bucket/prefix, got '" + uri + "'");
    }
    Place place = Place.of(uri.getPath().replaceFirst("^/", ""));
    S3ShardStore bucket = new S3ShardStore(s3.get(), uri.getAuthority(), place.folder());
    return new StoreSource(new RetryingShardStore(bucket, retry), place.file(), uri.toString());
  }

  private ModelSource web(URI uri) {
    if (uri.getRawQuery() != null || uri.getRawFragment() != null) {
      throw invalid("a web source has no query and no fragment");
    }
    Place place = Place.of(uri.getPath());
    HostPolicy hosts = config.hosts().map(HostPolicy::publicAnd).orElseGet(HostPolicy::publicOnly);
    HttpSettings defaults = HttpSettings.defaults();
    HttpReader reader =
        new HttpReader(
            http,
            uri.resolve(place.file().isEmpty() ? uri.getRawPath() : "."),
            new HttpSettings(
                hosts,
                defaults.responseTimeout(),
                defaults.stallTimeout(),
                config.authorization()));
    return new WebSource(new RetryingShardReader(reader, retry), place.file());
  }

  private ModelSource folder(URI uri) {
    List<Path> roots = new ArrayList<>();
    for (Path root : config.roots().orElse(List.of())) {
      try {
        roots.add(root.toRealPath());
      } catch (IOException e) {
        throw new SluiceException(
            ErrorKind.FATAL,
            "sources-root-missing",
            "the folder '" + root + "' of sluice.sources.roots cannot be read: " + e.getMessage(),
            e);
      }
    }
    if (uri.getPath() == null || !uri.getPath().startsWith("/")) {
      throw invalid("a file source is file:/absolute/path, got '" + uri + "'");
    }
    return new FolderSource(
        Path.of(uri.getPath()), real -> roots.stream().anyMatch(real::startsWith));
  }

  private static URI parse(String source) {
    try {
      return new URI(source);
    } catch (URISyntaxException e) {
      throw invalid("a source is a URL, got '" + source + "': " + e.getReason());
    }
  }

  private static SluiceException invalid(String message) {
    return new SluiceException(ErrorKind.INVALID, "source-invalid", message);
  }

  /**
   * A path as a folder and perhaps a file in it: what ends in a slash is a folder, and so is a last
   * name without an extension ({@code Llama-3.1-8B} has none).
   *
   * @param folder empty or with a slash at its end
   * @param file empty if the folder is meant
   */
  private record Place(String folder, String file) {
    private static final Pattern EXTENSION = Pattern.compile("\\.[A-Za-z][A-Za-z0-9_]*$");

    static Place of(String path) {
      int slash = path.lastIndexOf('/');
      String last = path.substring(slash + 1);
      if (last.isEmpty()) {
        return new Place(path, "");
      }
      return EXTENSION.matcher(last).find()
          ? new Place(path.substring(0, slash + 1), last)
          : new Place(path + "/", "");
    }
  }
}
