package cdcfeatures;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.spark.sql.streaming.StreamingQueryListener;

/**
 * A query's progress events as JSON, in order, for the driver's loop in Python. PySpark's own listener takes each event
 * apart by a hundred calls into the JVM, a fifth of a small batch's time.
 */
public final class Progress extends StreamingQueryListener {

  private static final long serialVersionUID = 1L;
  private static final String ENDED = "";

  private final transient BlockingQueue<String> events = new LinkedBlockingQueue<>();

  /** The next event; an empty text when the query has ended, null when none comes in time. */
  public String next(long milliseconds) throws InterruptedException {
    return events.poll(milliseconds, TimeUnit.MILLISECONDS);
  }

  @Override
  public void onQueryStarted(QueryStartedEvent event) {}

  @Override
  public void onQueryProgress(QueryProgressEvent event) {
    events.add(event.progress().json());
  }

  @Override
  public void onQueryTerminated(QueryTerminatedEvent event) {
    events.add(ENDED);
  }
}
