package io.sluice.manifest;

import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Passes everything on; what does something about some calls overrides those. */
public abstract class ForwardingManifests implements ManifestRepository {
  private final ManifestRepository manifests;

  protected ForwardingManifests(ManifestRepository manifests) {
    this.manifests = Objects.requireNonNull(manifests, "manifests");
  }

  @Override
  public Published publish(
      String name, ModelManifest manifest, Optional<String> tag, Optional<Digest> expected) {
    return manifests.publish(name, manifest, tag, expected);
  }

  @Override
  public Resolved resolve(ModelRef ref) {
    return manifests.resolve(ref);
  }

  @Override
  public ModelManifest load(String name, Digest version) {
    return manifests.load(name, version);
  }

  @Override
  public List<ModelSummary> list() {
    return manifests.list();
  }

  @Override
  public ModelSummary model(String name) {
    return manifests.model(name);
  }

  @Override
  public List<TagMove> history(String name, String tag) {
    return manifests.history(name, tag);
  }

  @Override
  public TagMove tag(String name, String tag, Digest version, Optional<Digest> expected) {
    return manifests.tag(name, tag, version, expected);
  }

  @Override
  public Removed remove(ModelRef ref, boolean force) {
    return manifests.remove(ref, force);
  }

  @Override
  public Rebuilt rebuild() {
    return manifests.rebuild();
  }
}
