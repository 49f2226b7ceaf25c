/** Who buys and what is sold: rows of `customers` and `products`. */

import { type Random, shuffled } from "./random.ts";

export interface Customer {
  customerId: number;
  email: string;
  country: string;
  segment: string;
  createdAt: Date;
}

export interface Product {
  productId: number;
  name: string;
  category: string;
  priceCents: number;
  createdAt: Date;
}

const YEAR_MS = 365 * 86_400_000;

// Repeated words are likelier: a weighted choice without weights.
const COUNTRIES = [
  "DE",
  "DE",
  "DE",
  "US",
  "US",
  "FR",
  "FR",
  "GB",
  "GB",
  "ES",
  "IT",
  "NL",
  "PL",
  "SE",
  "IN",
  "JP",
];
const SEGMENTS = [
  "consumer",
  "consumer",
  "consumer",
  "consumer",
  "small_business",
  "small_business",
  "enterprise",
];
const GIVEN_NAMES = [
  "ada",
  "alan",
  "barbara",
  "edsger",
  "frances",
  "grace",
  "jim",
  "leslie",
  "margaret",
  "tony",
];
const FAMILY_NAMES = [
  "costa",
  "dubois",
  "garcia",
  "ito",
  "jansen",
  "kowalski",
  "meyer",
  "patel",
  "rossi",
  "smith",
];
const ADJECTIVES = [
  "Basic",
  "Classic",
  "Compact",
  "Everyday",
  "Light",
  "Modern",
  "Premium",
  "Solid",
  "Soft",
  "Travel",
];

/** What a category sells, and its prices in whole euros. */
const CATEGORIES = [
  { category: "books", nouns: ["Atlas", "Cookbook", "Novel", "Reader"], low: 5, high: 60 },
  { category: "electronics", nouns: ["Camera", "Headphones", "Keyboard", "Speaker"], low: 20, high: 900 },
  { category: "garden", nouns: ["Hose", "Planter", "Shears", "Spade"], low: 4, high: 150 },
  { category: "home", nouns: ["Blanket", "Chair", "Kettle", "Lamp"], low: 8, high: 250 },
  { category: "sports", nouns: ["Ball", "Bottle", "Mat", "Tent"], low: 6, high: 300 },
  { category: "toys", nouns: ["Blocks", "Kite", "Puzzle", "Train"], low: 3, high: 80 },
] as const;

/** `count` customers with ids from 1, who joined in the year up to `before`, in the order of joining. */
export function customers(count: number, before: Date, random: Random): Customer[] {
  return joiningTimes(count, before, random).map((createdAt, index) => {
    const customerId = index + 1;
    const name = `${random.pick(GIVEN_NAMES)}.${random.pick(FAMILY_NAMES)}`;
    return {
      customerId,
      email: `${name}.${customerId}@example.com`,
      country: random.pick(COUNTRIES),
      segment: random.pick(SEGMENTS),
      createdAt,
    };
  });
}

/** `count` products with ids from 1, listed in the year up to `before`; most are cheap, a few dear. */
export function products(count: number, before: Date, random: Random): Product[] {
  return joiningTimes(count, before, random).map((createdAt, index) => {
    const { category, nouns, low, high } = random.pick(CATEGORIES);
    const euros = low + Math.floor((high - low) * random.next() ** 2);
    return {
      productId: index + 1,
      name: `${random.pick(ADJECTIVES)} ${random.pick(nouns)}`,
      category,
      priceCents: euros * 100 + random.pick([0, 49, 95, 99]),
      createdAt,
    };
  });
}

/** The ids in random order without the last few, who never buy (or are never bought). */
export function activeIds(ids: readonly number[], share: number, random: Random): number[] {
  return shuffled(ids, random).slice(0, Math.max(1, Math.round(ids.length * share)));
}

function joiningTimes(count: number, before: Date, random: Random): Date[] {
  return Array.from({ length: count }, () => before.getTime() - 1 - Math.floor(random.next() * YEAR_MS))
    .sort((a, b) => a - b)
    .map((ms) => new Date(ms));
}
