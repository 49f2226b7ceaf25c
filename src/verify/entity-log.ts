/** What the log says of one entity. */
import type { TopicRecord } from "../platform/kafka.ts";
import { rowText } from "../stores/rows.ts";
import type { Decoded, RowChange } from "./debezium.ts";
import type { Element, Position } from "./elements.ts";
import type { LogListener } from "./log.ts";

interface SeenEvent {
  position: Position;
  decoded: Exclude<Decoded, { kind: "ignored" | "truncate" }>;
}

export class EntityLog implements LogListener {
  readonly entity: string;
  readonly elements: Element[] = [];
  readonly #changes = new Map<string, RowChange>();
  readonly #dead: SeenEvent[] = [];

  constructor(entity: string) {
    this.entity = entity;
  }

  element(entity: string, element: Element): void {
    if (entity === this.entity) this.elements.push(element);
  }

  record(decoded: Decoded, _: TopicRecord, position: Position): void {
    if (decoded.kind === "dead" && decoded.row !== undefined) this.#dead.push({ decoded, position });
    if (decoded.kind !== "change") return;
    const isAboutIt = decoded.after?.entity === this.entity || decoded.before?.entity === this.entity;
    if (isAboutIt) this.#changes.set(keyOf(position), decoded);
    if (decoded.dead !== undefined) this.#dead.push({ decoded, position });
  }

  get events(): number {
    return this.#changes.size;
  }

  changeAt(position: Position): RowChange | undefined {
    return this.#changes.get(keyOf(position));
  }

  /** Dead letters about rows that are or were the entity's, or would be. */
  dead(): SeenEvent[] {
    const rows = new Set(this.elements.map(rowText));
    return this.#dead.filter(
      ({ decoded }) =>
        rows.has(rowText({ key: decoded.row ?? [] })) ||
        ("entity" in decoded && decoded.entity === this.entity),
    );
  }
}

function keyOf({ partition, offset }: Position): string {
  return `${partition} ${offset}`;
}
