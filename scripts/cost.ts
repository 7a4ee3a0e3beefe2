import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * What a month of Proviso costs on AWS, for the table of docs/deploy.md: `node scripts/cost.ts` writes it, a test compares it.
 * Prices are list prices of us-east-1 as we knew them in November 2026, without free tiers and without discounts; none was read from
 * AWS's price list. Quantities follow from the templates; what is assumed says so.
 */

const HOURS = 730;
const REGIONS = 3;

/** USD for one unit. */
const PRICE = {
  lambdaGbSecond: 0.0000133334,
  lambdaRequest: 0.2e-6,
  stateTransition: 0.000025,
  dynamoWrite: 0.625e-6,
  dynamoRead: 0.125e-6,
  schedule: 1e-6,
  event: 1e-6,
  kmsKeyMonth: 1,
  kmsCall: 3e-6,
  logGb: 0.5,
  alarmMonth: 0.1,
  metricMonth: 0.3,
  dashboardMonth: 3,
} as const;

/** AWS Config's tiers for rule evaluations, per Region: the first 100,000, the next 400,000, the rest. */
const CONFIG_TIERS: readonly (readonly [number, number])[] = [
  [100_000, 0.001],
  [400_000, 0.0008],
  [Number.POSITIVE_INFINITY, 0.0005],
];

/** What the arithmetic takes for granted. Everything else is counted. */
export const ASSUMPTIONS = {
  /** A call of AWS from a function, in seconds. */
  call: 0.1,
  /** Calls of one evaluation of the two settings; a test holds the handler to 6. */
  callsPerEvaluation: 6,
  /** Pairs that a sweep reads at once. */
  sweepAtOnce: 8,
  memoryGb: 0.5,
  /** Exceptions that end in the month: 12 days each, reviewed daily. */
  exceptions: 2,
  /** Rounded up generously; `npm run bench` measures what one really takes, and the line stays below a dollar a key. */
  transitionsPerException: 70,
  commitsPerException: 120,
  /** Events forwarded by an account and Region in a month: changes of the settings, of IAM, of policies. */
  eventsPerPair: 500,
  /** Log bytes of one invocation. */
  logBytes: 1_000,
} as const;

export interface CostLine {
  readonly what: string;
  readonly units: string;
  readonly usd: number;
}

/** Config's price for `evaluations` in one Region. */
export function configPrice(evaluations: number): number {
  let left = evaluations;
  let usd = 0;
  for (const [size, price] of CONFIG_TIERS) {
    const taken = Math.min(left, size);
    usd += taken * price;
    left -= taken;
  }
  return usd;
}

/** The lines of a month for that many accounts, in the three Regions of the shipped policy. */
export function monthlyCost(accounts: number): readonly CostLine[] {
  const pairs = accounts * REGIONS;
  const evaluations = pairs * HOURS;
  const sweeps = HOURS * 4;
  const { call, memoryGb } = ASSUMPTIONS;
  const evaluationSeconds = evaluations * ASSUMPTIONS.callsPerEvaluation * call;
  const sweepSeconds = (sweeps * pairs * 2 * call) / ASSUMPTIONS.sweepAtOnce;
  const events = pairs * ASSUMPTIONS.eventsPerPair;
  const eventSeconds = events * 3 * call;
  const invocations = evaluations + sweeps + events;
  const lambda = (seconds: number, requests: number) =>
    seconds * memoryGb * PRICE.lambdaGbSecond + requests * PRICE.lambdaRequest;
  const whole = (value: number) => Math.round(value).toLocaleString('en-US');
  return [
    {
      what: 'AWS Config evaluations, one rule an hour',
      units: `${whole(pairs)} × ${HOURS} = ${whole(evaluations)}`,
      usd: REGIONS * configPrice(evaluations / REGIONS),
    },
    {
      what: 'functions behind the rule',
      units: `${whole(evaluationSeconds)} s of ${memoryGb} GB`,
      usd: lambda(evaluationSeconds, evaluations),
    },
    {
      what: 'sweeps, every 15 minutes',
      units: `${whole(sweeps)} × ${whole(pairs)} pairs, ${whole(sweepSeconds)} s`,
      usd: lambda(sweepSeconds, sweeps) + sweeps * PRICE.schedule,
    },
    {
      what: 'events forwarded and handled',
      units: whole(events),
      usd: events * PRICE.event * 2 + lambda(eventSeconds, events),
    },
    {
      what: 'exceptions',
      units: `${ASSUMPTIONS.exceptions}`,
      usd:
        ASSUMPTIONS.exceptions *
        (ASSUMPTIONS.transitionsPerException * PRICE.stateTransition +
          ASSUMPTIONS.commitsPerException * 3 * PRICE.dynamoWrite +
          PRICE.kmsKeyMonth +
          10 * PRICE.kmsCall),
    },
    {
      what: 'records read by the sweeps',
      units: `${whole(sweeps * 20)} reads`,
      usd: sweeps * 20 * PRICE.dynamoRead,
    },
    {
      what: 'logs',
      units: `${whole((invocations * ASSUMPTIONS.logBytes) / 1e6)} MB`,
      usd: (invocations * ASSUMPTIONS.logBytes * PRICE.logGb) / 1e9,
    },
    {
      what: 'keys, alarms, metrics, dashboard',
      units: '2, 8, 4, 1',
      usd: 2 * PRICE.kmsKeyMonth + 8 * PRICE.alarmMonth + 4 * PRICE.metricMonth + PRICE.dashboardMonth,
    },
  ];
}

const SIZES = [10, 100, 1000] as const;

/** The table between the markers of docs/deploy.md. */
export function costMarkdown(): string {
  const months = SIZES.map((size) => monthlyCost(size));
  const usd = (value: number) => (value < 0.005 ? '0.00' : value < 100 ? value.toFixed(2) : value.toFixed(0));
  const rows = (months[0] ?? []).map(
    ({ what }, row) =>
      `| ${what} | ${months.map((lines) => usd(lines[row]?.usd ?? 0)).join(' | ')} | ${months[2]?.[row]?.units ?? ''} |`,
  );
  const total = months.map((lines) => usd(lines.reduce((sum, line) => sum + line.usd, 0)));
  return [
    `| USD a month, ${REGIONS} Regions | ${SIZES.join(' accounts | ')} accounts | units at ${SIZES[2]} accounts |`,
    '|---|---:|---:|---:|---|',
    ...rows,
    `| **together** | **${total.join('** | **')}** | |`,
  ].join('\n');
}

export const PAGE = join(import.meta.dirname, '..', 'docs', 'deploy.md');
const BLOCK = /(<!-- cost -->\n)[\s\S]*?(\n<!-- \/cost -->)/;

/** The page with the table as it is computed now. */
export const withCost = (page: string): string =>
  page.replace(BLOCK, (_, begin: string, end: string) => `${begin}${costMarkdown()}${end}`);

if (import.meta.main) writeFileSync(PAGE, withCost(readFileSync(PAGE, 'utf8')));
