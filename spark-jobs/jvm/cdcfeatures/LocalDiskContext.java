package cdcfeatures;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.DelegateToFileSystem;

/** {@link LocalDisk} as Hadoop's newer interface asks for it, which Spark's checkpoints use. */
public final class LocalDiskContext extends DelegateToFileSystem {

  /** Called by Hadoop, which takes no other. */
  LocalDiskContext(URI uri, Configuration configuration) throws IOException, URISyntaxException {
    super(new URI("file:///"), new LocalDisk(), configuration, "file", false);
  }

  @Override
  public int getUriDefaultPort() {
    return -1;
  }

  /** The local file system takes every name. */
  @Override
  public boolean isValidName(String path) {
    return true;
  }
}
