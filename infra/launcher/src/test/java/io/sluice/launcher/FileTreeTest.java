package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileTreeTest {
  @TempDir Path temp;

  @Test
  void aFolderGoesWithAllThatIsInItAndNothingElse() throws IOException {
    Path other = Files.createDirectories(temp.resolve("other"));
    Files.writeString(other.resolve("stays"), "x");
    Path folder = Files.createDirectories(temp.resolve("folder"));
    Files.createDirectories(folder.resolve("a/b/c"));
    Files.writeString(folder.resolve("a/b/file"), "x");
    Files.createSymbolicLink(folder.resolve("a/link"), other);
    Files.createSymbolicLink(folder.resolve("dangling"), temp.resolve("nothing"));

    FileTree.delete(folder);

    assertThat(folder).doesNotExist();
    assertThat(other.resolve("stays")).hasContent("x");
  }

  @Test
  void aLinkToAFolderGoesAloneAndWhatIsNotThereIsGone() throws IOException {
    Path other = Files.createDirectories(temp.resolve("other"));
    Files.writeString(other.resolve("stays"), "x");
    Path link = Files.createSymbolicLink(temp.resolve("link"), other);

    FileTree.delete(link);
    FileTree.delete(temp.resolve("nothing"));

    assertThat(Files.exists(link, LinkOption.NOFOLLOW_LINKS)).isFalse();
    assertThat(other.resolve("stays")).hasContent("x");
  }
}
