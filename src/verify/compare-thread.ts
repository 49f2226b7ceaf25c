/** A thread that compares a part of the entities: with many of them, comparing takes as long as reading the log. */
import { parentPort, workerData } from "node:worker_threads";
import { comparePart, type ToCompare } from "./compare-entities.ts";

parentPort?.postMessage(comparePart(workerData as ToCompare));
