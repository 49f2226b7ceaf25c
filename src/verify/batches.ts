/**
 * The job's micro-batches by their manifests: which of them led to what the stores hold now, and whether the
 * offline store is whole.
 */

import { type Manifest, type ManifestFile, manifestsOf } from "../stores/manifests.ts";
import type { OfflineFiles } from "../stores/offline.ts";
import { type Difference, offlineFileFinding } from "./difference.ts";

/**
 * The batches from the topic's start to the newest, in order. Going back from the newest, each begins where the one
 * before ended: batches of an earlier checkpoint, which a rebuild read again, are passed over.
 */
export function chainOf(manifests: Manifest[]): Manifest[] {
  const byId = manifests.filter(({ aged }) => aged !== true).sort((a, b) => a.batch_id - b.batch_id);
  const chain: Manifest[] = [];
  let current = byId.pop();
  while (current !== undefined) {
    chain.unshift(current);
    const successor: Manifest = current;
    while (byId.length > 0 && !meets(byId.at(-1) as Manifest, successor)) byId.pop();
    current = byId.pop();
  }
  return chain;
}

/** A batch that is not in the chain, whose rows may still be the newest of a window that is final. */
export interface BatchAside {
  batchId: bigint;
  /** When a backfill computed its rows, in micros since 1970; undefined for a batch of another checkpoint. */
  createdAt: bigint | undefined;
  source: "topic" | "table" | "files";
  /** By partition, the offsets that it is as of. */
  end: Record<string, number>;
}

/** Backfills, and batches of the other mode's checkpoint or of one that a rebuild has replaced; by the batch's id. */
export function batchesAside(files: ManifestFile[], chain: Manifest[]): Map<bigint, BatchAside[]> {
  const aside = [...backfillsOf(files), ...batchesOfOthers(manifestsOf(files), chain)];
  const byId = new Map<bigint, BatchAside[]>();
  for (const batch of aside) byId.set(batch.batchId, [...(byId.get(batch.batchId) ?? []), batch]);
  return byId;
}

function batchesOfOthers(manifests: Manifest[], chain: Manifest[]): BatchAside[] {
  const own = new Set(chain);
  return manifests
    .filter((manifest) => manifest.aged !== true && !own.has(manifest))
    .map(({ batch_id, offsets }) => ({
      batchId: BigInt(batch_id),
      createdAt: undefined,
      source: "topic",
      end: Object.fromEntries(Object.entries(offsets).map(([partition, [, end]]) => [partition, end])),
    }));
}

function backfillsOf(files: ManifestFile[]): BatchAside[] {
  return files.flatMap((file) => {
    if (!("manifest" in file) || file.manifest.backfill === undefined) return [];
    const { batch_id, backfill } = file.manifest;
    const createdAt = AGED_NAME.exec(file.name)?.[2];
    if (createdAt === undefined) return [];
    return [
      { batchId: BigInt(batch_id), createdAt: BigInt(createdAt), source: backfill.source, end: backfill.end },
    ];
  });
}

/** By batch, the sum of the offsets that it begins at. */
export function beginsOf(manifests: Manifest[]): Map<number, number> {
  return new Map(
    manifests.flatMap(({ batch_id, offsets, aged }) =>
      aged ? [] : [[batch_id, Object.values(offsets).reduce((sum, [begin]) => sum + begin, 0)]],
    ),
  );
}

/** A partition that is new in the successor begins at 0. */
function meets(earlier: Manifest, successor: Manifest): boolean {
  return Object.entries(successor.offsets).every(
    ([partition, [start]]) => (earlier.offsets[partition]?.[1] ?? 0) === start,
  );
}

/** Everything about files and manifests that is not as the job would have left it. */
export function checkBatches(store: OfflineFiles, lowOffsets: Map<number, number> | undefined): Difference[] {
  const manifests = manifestsOf(store.manifests);
  return [
    ...store.manifests.flatMap((file) =>
      "problem" in file
        ? [offlineFileFinding("different", `_batches/${file.name}`, `is no manifest: ${file.problem}`)]
        : [],
    ),
    ...store.manifests.flatMap((file) => ("manifest" in file ? checkManifest(file.name, file.manifest) : [])),
    ...manifests.flatMap((manifest) => checkFile(store, manifest)),
    ...store.strangers.map((name) => offlineFileFinding("extra", name, "is no file of the job's")),
    ...unknownFiles(store, manifests),
    ...gaps(manifests, lowOffsets),
  ];
}

/** A manifest agrees with itself: its name and its file's are those of the batch, which is the sum of its ends. */
function checkManifest(name: string, manifest: Manifest): Difference[] {
  const { batch_id, file, offsets, aged } = manifest;
  const end = Object.values(offsets).reduce((sum, [, end]) => sum + end, 0);
  // Ageing adds the moment to its name.
  const isOwnName: boolean = aged
    ? AGED_NAME.exec(name)?.[1] === digits(batch_id)
    : name === nameOf(manifest);
  const own = (isOwnName ? name : nameOf(manifest)).replace(/json$/, "parquet");
  const problems = [
    !aged && batch_id !== end && `says batch ${batch_id}, its offsets end at ${end}`,
    aged === true && Object.keys(offsets).length > 0 && "says offsets, though ageing reads no events",
    !isOwnName && `says batch ${batch_id}, which is not its name`,
    file !== null && file !== own && `names the file ${file} instead of ${own}`,
    file !== null &&
      (manifest.bytes == null || manifest.sha256 == null) &&
      "says neither size nor checksum of its file",
  ];
  return problems
    .filter((problem) => problem !== false)
    .map((problem) => offlineFileFinding("different", `_batches/${name}`, problem));
}

function checkFile(store: OfflineFiles, manifest: Manifest): Difference[] {
  if (manifest.file === null) return [];
  const name = manifest.file;
  const file = store.files.find((one) => one.name === name);
  if (file === undefined) {
    return [
      offlineFileFinding(
        "missing",
        name,
        `is missing: batch ${manifest.batch_id} wrote it with ${manifest.rows} rows`,
      ),
    ];
  }
  const findings: Difference[] = [];
  const expect = (
    what: string,
    expected: string | number | null | undefined,
    actual: string | number | undefined,
  ): void => {
    if (expected === null || expected === undefined || actual === undefined || expected === actual) return;
    const because = `has ${what} ${actual}, its manifest says ${expected}`;
    findings.push(offlineFileFinding("different", name, because, String(expected), String(actual)));
  };
  if (file.problem !== undefined)
    findings.push(offlineFileFinding("different", name, `cannot be used: ${file.problem}`));
  expect("rows", manifest.rows, file.rows);
  expect("bytes", manifest.bytes, file.bytes);
  expect("SHA-256", manifest.sha256, file.sha256);
  return findings;
}

function unknownFiles(store: OfflineFiles, manifests: Manifest[]): Difference[] {
  const known = new Set(manifests.map(({ file }) => file));
  return store.files
    .filter(({ name }) => !known.has(name))
    .map(({ name, problem }) =>
      offlineFileFinding(
        "extra",
        name,
        `is in no manifest${problem === undefined ? "" : `, and cannot be used: ${problem}`}`,
      ),
    );
}

function gaps(manifests: Manifest[], lowOffsets: Map<number, number> | undefined): Difference[] {
  const first = chainOf(manifests)[0];
  if (first === undefined) return [];
  return Object.entries(first.offsets).flatMap(([partition, [start]]) => {
    const begin = lowOffsets?.get(Number(partition)) ?? 0;
    if (start <= begin) return [];
    const because = `begins at offset ${start} of partition ${partition}, and no manifest covers what is before`;
    return [
      offlineFileFinding("missing", `_batches/${nameOf(first)}`, because, String(begin), String(start)),
    ];
  });
}

const AGED_NAME = /^(\d{20})-(\d{20})\.json$/;

export function nameOf({ batch_id }: Manifest): string {
  return `${digits(batch_id)}.json`;
}

function digits(version: number): string {
  return String(version).padStart(20, "0");
}
