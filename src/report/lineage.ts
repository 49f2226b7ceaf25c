/** What comes from where: from the table's columns to the features in both stores. Pure. */
import {
  type Expression,
  type Feature,
  type FeatureSet,
  type FeatureType,
  offlineFolder,
  onlineKey,
  topicOf,
} from "../definition/feature-set.ts";
import { meaningOf } from "../verify/meaning.ts";
import type { Lineage, LineageFeature } from "./document.ts";

export function lineageOf(featureSet: FeatureSet, topicPrefix: string): Lineage {
  const { name, entity, source, features } = featureSet;
  return {
    table: `${source.schema}.${source.table}`,
    topic: topicOf(source, topicPrefix),
    job: `${name}_features.py`,
    redisKey: onlineKey(featureSet, entity.map((column) => `<${column}>`).join(":")),
    parquetFolder: `${offlineFolder(featureSet)}/`,
    columns: source.columns.map((column) => column.name),
    features: features.map((feature) => lineageFeature(featureSet, feature)),
  };
}

function lineageFeature(featureSet: FeatureSet, feature: Feature): LineageFeature {
  const { name, type, description } = feature;
  return {
    ...{ name, type: typeText(type), meaning: meaningOf(featureSet, feature), description },
    columns: columnsRead(featureSet, feature),
    features: feature.kind === "derived" ? [...new Set(featuresRead(feature.expression))] : [],
  };
}

/** Numbers of rows read the rows themselves, which the primary key tells apart. */
function columnsRead({ source }: FeatureSet, feature: Feature): string[] {
  if (feature.kind === "derived") return [];
  if ("column" in feature) return [feature.column];
  const isRecency = feature.kind === "behavioural" && feature.measure === "recency";
  return isRecency ? [source.eventTime] : source.primaryKey;
}

function featuresRead(expression: Expression): string[] {
  if (expression.op === "feature") return [expression.name];
  if ("arguments" in expression) return expression.arguments.flatMap(featuresRead);
  return "left" in expression ? [expression.left, expression.right].flatMap(featuresRead) : [];
}

function typeText(type: FeatureType): string {
  return type.kind === "decimal" ? `decimal, ${type.digits} digits` : type.kind;
}
