/** The manifests beside the Parquet files: which batch wrote which file, from which offsets. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

const count = z.number().int().nonnegative();

const manifestSchema = z.object({
  batch_id: count,
  /** Null for a batch without rows. */
  file: z.string().nullable(),
  rows: count,
  bytes: count.nullish(),
  sha256: z.string().nullish(),
  /** First offset and the one after the last, by partition. */
  offsets: z.record(z.string().regex(/^\d+$/), z.tuple([count, count])),
  /** Written when time had passed, and not for a batch; then there are no offsets. */
  aged: z.boolean().optional(),
  /** Windows of the past computed from history; then it is `aged`, too. */
  backfill: z
    .object({
      /** Windows that begin from `from_ms` on and before `to_ms`, ms since 1970. */
      from_ms: z.number().int(),
      to_ms: z.number().int(),
      source: z.enum(["topic", "table", "files"]),
      /** The offsets that it is as of, by partition. */
      end: z.record(z.string().regex(/^\d+$/), count),
    })
    .optional(),
  /** The watermark that the batch evicted windows by, in ms since 1970. */
  watermark_ms: z.number().int().nullable(),
});

export type Manifest = z.infer<typeof manifestSchema>;

export type ManifestFile = { name: string; manifest: Manifest } | { name: string; problem: string };

/** Those that could be read. */
export function manifestsOf(files: ManifestFile[]): Manifest[] {
  return files.flatMap((file) => ("manifest" in file ? [file.manifest] : []));
}

/** Sorted by name, which is by batch; empty where there is no folder. */
export async function readManifests(folder: string): Promise<ManifestFile[]> {
  const names = await manifestNames(path.join(folder, "_batches"));
  return Promise.all(names.map((name) => readManifest(path.join(folder, "_batches"), name)));
}

async function manifestNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^[^._].*\.json$/.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function readManifest(folder: string, name: string): Promise<ManifestFile> {
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(await readFile(path.join(folder, name), "utf8")));
    if (parsed.success) return { name, manifest: parsed.data };
    return { name, problem: z.prettifyError(parsed.error).replaceAll("\n", " ") };
  } catch (error) {
    return { name, problem: (error as Error).message };
  }
}
