package io.sluice.servers;

import java.nio.file.Path;
import java.util.Map;

/**
 * A GlusterFS of one machine with a volume of two halves, each replicated by three bricks. Bricks
 * and all of it can be killed and started again.
 */
public final class GlusterServer implements AutoCloseable {
  /** Bricks of the volume; each three of them, from the first, hold the same. */
  public static final int BRICKS = 6;

  private final ServerProcess process;

  private GlusterServer(ServerProcess process) {
    this.process = process;
  }

  /** Starts one with an empty volume. */
  public static GlusterServer start() {
    return new GlusterServer(ServerProcess.start(RealServer.GLUSTER, Map.of()));
  }

  /** Where its management daemon is, at the usual port. */
  public String address() {
    return process.value("address");
  }

  /** The name of the volume. */
  public String volume() {
    return process.value("volume");
  }

  /** Kills all of it at once. */
  public void kill() {
    order("kill");
  }

  /** Starts what was killed. */
  public void restart() {
    order("start");
  }

  /**
   * Kills the process of a brick.
   *
   * @param number from 1 to {@link #BRICKS}
   */
  public void killBrick(int number) {
    order("kill-brick " + number);
  }

  /** Starts the bricks that were killed. */
  public void startBricks() {
    order("start-bricks");
  }

  /** Whether bricks that were away have caught up with what the others did meanwhile. */
  public boolean healed() {
    return process.say("healed").equals("yes");
  }

  /**
   * Makes another volume, of three replicas.
   *
   * @param folder of its bricks
   */
  public void create(String volume, Path folder) {
    order("create " + volume + " " + folder);
  }

  /** Removes a volume that {@link #create} made. */
  public void remove(String volume) {
    order("remove " + volume);
  }

  /** Takes what was mounted away. */
  public void unmount() {
    order("unmount");
  }

  /**
   * Mounts the volume, at most until this server is closed.
   *
   * @return the answer: {@code ok}, or why it cannot be mounted here
   */
  public String mount(Path folder) {
    return process.say("mount " + folder);
  }

  private void order(String order) {
    String answer = process.say(order);
    if (!answer.equals("ok")) {
      throw new IllegalStateException("'" + order + "': " + answer);
    }
  }

  @Override
  public void close() {
    process.say("stop"); // kills it and unmounts; only then may its folder be deleted
    process.close();
  }
}
