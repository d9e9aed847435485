package io.sluice.functions.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileProofTest {
  @TempDir Path temp;

  @Test
  void seesWhatIsEqualWhatIsNotAndWhatIsMissing() throws IOException {
    Path in = Files.createDirectories(temp.resolve("in/sub")).getParent();
    Path out = Files.createDirectories(temp.resolve("out/sub")).getParent();
    Files.writeString(in.resolve("same"), "abc");
    Files.writeString(out.resolve("same"), "abc");
    Files.writeString(in.resolve("sub/changed"), "abc");
    Files.writeString(out.resolve("sub/changed"), "abd");
    Files.writeString(in.resolve("lost"), "");
    Files.writeString(out.resolve("new"), "");

    List<FileProof> proofs = FileProof.compare(FileProof.look(in), out);

    assertThat(proofs)
        .extracting(FileProof::path, FileProof::equal)
        .containsExactly(
            org.assertj.core.api.Assertions.tuple("lost", false),
            org.assertj.core.api.Assertions.tuple("new", false),
            org.assertj.core.api.Assertions.tuple("same", true),
            org.assertj.core.api.Assertions.tuple("sub/changed", false));
    // FIPS 180-4, the example of one block.
    assertThat(proofs.get(2).before())
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
}
