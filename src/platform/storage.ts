/** Where jobs keep things, and how this machine reaches it. */
import { rm } from "node:fs/promises";

/** In the jobs' own words: paths, or URIs that Hadoop's file systems know. */
export interface Places {
  offline: string;
  checkpoints: string;
  deadLetters: string;
}

export interface Storage {
  readonly places: Places;
  /** Brings a folder of the offline store to this machine, to where the stack's endpoint `offline` is. */
  fetch(folder: string): Promise<void>;
  /** Removes places with what lies below them; none is fine. */
  remove(...places: string[]): Promise<void>;
  /** For a driver that is told and heard by files; absent where every driver is heard itself. */
  notes?: Notes;
}

export interface Notes {
  /** The text of a file; undefined where there is none. */
  read(place: string): Promise<string | undefined>;
  write(place: string, text: string): Promise<void>;
}

/** Folders that jobs and this machine name alike. */
export function localStorage(places: Places): Storage {
  return {
    places,
    fetch: async () => {},
    remove: async (...places) => {
      for (const place of places) await rm(place, { recursive: true, force: true });
    },
  };
}

/** Such as s3a://bucket/folder; else a path. */
export function isUri(place: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\//i.test(place);
}

/** What lies below a place. */
export function below(place: string, ...names: string[]): string {
  return [place.replace(/\/+$/, ""), ...names].join("/");
}
