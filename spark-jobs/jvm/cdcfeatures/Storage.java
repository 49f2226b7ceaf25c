package cdcfeatures;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;

/**
 * Places of jobs as a command reaches them: run by spark-submit, so that Spark's own settings decide how. The file named as
 * the argument has an operation a line, its parts separated by tabs: {@code fetch FOLDER TO}, {@code read FILE TO},
 * {@code write FROM FILE}, {@code remove PLACE}; TO and FROM are on this machine.
 */
public final class Storage {
  private static final String MANIFESTS = "_batches";
  private static final String UNFINISHED = ".tmp";
  private static final long ABANDONED_MS = 86_400_000;

  private final Configuration configuration;

  private Storage(Configuration configuration) {
    this.configuration = configuration;
  }

  public static void main(String[] arguments) throws IOException {
    Storage storage = new Storage(SparkHadoopUtil.get().newConfiguration(new SparkConf()));
    for (String line : Files.readAllLines(Path.of(arguments[0]))) {
      String[] parts = line.split("\t");
      switch (parts[0]) {
        case "fetch" -> storage.fetch(place(parts[1]), Path.of(parts[2]));
        case "read" -> storage.read(place(parts[1]), Path.of(parts[2]));
        case "write" -> storage.write(Path.of(parts[1]), place(parts[2]));
        case "remove" -> storage.remove(place(parts[1]));
        default -> throw new IllegalArgumentException("no operation named " + parts[0]);
      }
    }
  }

  /** Makes the local folder hold what the other does, without what is being written there. */
  private void fetch(org.apache.hadoop.fs.Path folder, Path local) throws IOException {
    FileSystem files = folder.getFileSystem(configuration);
    Map<String, FileStatus> wanted = new HashMap<>();
    if (files.exists(folder)) {
      // Manifests first: a file put in place meanwhile is then one without a manifest, never one that is lost.
      list(files, new org.apache.hadoop.fs.Path(folder, MANIFESTS), MANIFESTS + "/", wanted);
      list(files, folder, "", wanted);
    }
    for (Path file : localFiles(local)) {
      if (!wanted.containsKey(local.relativize(file).toString()) && !isBeingFetched(file)) {
        Files.deleteIfExists(file);
      }
    }
    for (Map.Entry<String, FileStatus> entry : wanted.entrySet()) {
      copy(files, entry.getValue(), local.resolve(entry.getKey()));
    }
  }

  private static void list(
      FileSystem files, org.apache.hadoop.fs.Path folder, String prefix, Map<String, FileStatus> found)
      throws IOException {
    if (!files.exists(folder)) {
      return;
    }
    for (FileStatus status : files.listStatus(folder)) {
      String name = status.getPath().getName();
      if (status.isDirectory() && !name.equals("_staging") && !name.equals(MANIFESTS)) {
        list(files, status.getPath(), prefix + name + "/", found);
      } else if (status.isFile() && !name.endsWith(UNFINISHED)) {
        found.put(prefix + name, status);
      }
    }
  }

  /** By another command, perhaps; what one that was killed has left goes after a day. */
  private static boolean isBeingFetched(Path file) {
    return file.toString().endsWith(UNFINISHED)
        && file.toFile().lastModified() > System.currentTimeMillis() - ABANDONED_MS;
  }

  private static List<Path> localFiles(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return new ArrayList<>();
    }
    try (Stream<Path> all = Files.walk(folder)) {
      return new ArrayList<>(all.filter(Files::isRegularFile).toList());
    }
  }

  private static void copy(FileSystem files, FileStatus status, Path local) throws IOException {
    FileTime changed = FileTime.fromMillis(status.getModificationTime());
    if (Files.exists(local)
        && Files.size(local) == status.getLen()
        && Files.getLastModifiedTime(local).equals(changed)) {
      return;
    }
    Files.createDirectories(local.getParent());
    Path unfinished = Files.createTempFile(local.getParent(), "." + local.getFileName() + ".", UNFINISHED);
    try (var source = files.open(status.getPath())) {
      Files.copy(source, unfinished, StandardCopyOption.REPLACE_EXISTING);
    }
    Files.move(unfinished, local, StandardCopyOption.ATOMIC_MOVE);
    // Not before: an old file could be taken for an abandoned one.
    Files.setLastModifiedTime(local, changed);
  }

  /** Makes no local file where there is none. */
  private void read(org.apache.hadoop.fs.Path file, Path local) throws IOException {
    FileSystem files = file.getFileSystem(configuration);
    if (files.exists(file)) {
      try (var source = files.open(file)) {
        Files.copy(source, local, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private void write(Path local, org.apache.hadoop.fs.Path file) throws IOException {
    FileSystem files = file.getFileSystem(configuration);
    try (var target = files.create(file, true)) {
      Files.copy(local, target);
    }
  }

  private void remove(org.apache.hadoop.fs.Path place) throws IOException {
    place.getFileSystem(configuration).delete(place, true);
  }

  private static org.apache.hadoop.fs.Path place(String text) {
    return new org.apache.hadoop.fs.Path(text);
  }
}
