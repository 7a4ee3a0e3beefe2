import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CALLS } from './collect-permissions.ts';

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
  s3Put: 0.000005,
  s3Get: 0.0000004,
  trace: 0.000005,
} as const;

const ROOT = join(import.meta.dirname, '..');
/** How many resources of a type a template makes. */
const made = (template: string, type: string): number =>
  readFileSync(join(ROOT, template), 'utf8').split(`Type: ${type}\n`).length - 1;

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
  /** Objects and pages of log events that people read of one exception, where reads are counted. */
  readsPerException: 2_000,
  hoursPerSign: 6,
  /** Regions that an account can use without opting in to more: a scan asks them all. */
  regionsScanned: 17,
  /** Places of an account that a scan reads at once (`src/evidence/collect.ts`). */
  scanAtOnce: 12,
  scanMemoryGb: 1,
  drainMemoryGb: 2,
  /** Calls of a run of the drain that finds nothing to do. */
  callsPerDrain: 2,
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
  const reads = ASSUMPTIONS.exceptions * ASSUMPTIONS.readsPerException;
  const signs = (pairs * HOURS) / ASSUMPTIONS.hoursPerSign;
  const nights = HOURS / 24;
  const scans = nights * accounts;
  const callsOf = (per: (typeof CALLS)[number]['per']) =>
    CALLS.filter((each) => each.per === per && each.times === 'one').length;
  const { regionsScanned } = ASSUMPTIONS;
  const callsPerScan = callsOf('account') + regionsScanned * callsOf('account-region');
  const scanSeconds = (scans * callsPerScan * call) / ASSUMPTIONS.scanAtOnce;
  // The account's file, one of each Region, its result; the organization's file, and the result once more at the end.
  const [puts, gets] = [scans * (regionsScanned + 2), scans * 2];
  const drains = HOURS * 60;
  const invocations = evaluations + sweeps + events + scans + drains;
  const lambda = (seconds: number, requests: number, gb: number = memoryGb) =>
    seconds * gb * PRICE.lambdaGbSecond + requests * PRICE.lambdaRequest;
  const alarms = made('deploy/governance.yml', 'AWS::CloudWatch::Alarm');
  const keys = made('deploy/governance.yml', 'AWS::KMS::Key');
  const memberAlarms = made('templates/member-events.yml', 'AWS::CloudWatch::Alarm');
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
      what: 'reads of content counted, and their signs (`CountReads`)',
      units: whole(reads + signs),
      usd:
        (reads + signs) * (PRICE.event + 4 * PRICE.dynamoRead) +
        // The row of an exception with a few callers is 10 KB.
        (10 * reads + signs) * PRICE.dynamoWrite +
        lambda((reads + signs) * 3 * call, reads + signs),
    },
    {
      what: 'events forwarded and handled',
      units: whole(events),
      usd: events * PRICE.event * 2 + lambda(eventSeconds, events),
    },
    {
      what: 'nightly scan: functions, steps, evidence written',
      units: `${whole(scans)} accounts × ${callsPerScan} calls, ${whole(scanSeconds)} s`,
      usd:
        lambda(scanSeconds, scans, ASSUMPTIONS.scanMemoryGb) +
        scans * 2 * PRICE.stateTransition +
        puts * PRICE.s3Put +
        gets * PRICE.s3Get,
    },
    {
      what: 'drain, every minute',
      units: whole(drains),
      usd:
        lambda(drains * ASSUMPTIONS.callsPerDrain * call, drains, ASSUMPTIONS.drainMemoryGb) +
        drains * PRICE.schedule,
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
      what: 'traces, of every invocation at most',
      units: whole(invocations),
      usd: invocations * PRICE.trace,
    },
    {
      what: 'alarms of forwarding, one in each account and Region',
      units: whole(pairs * memberAlarms),
      usd: pairs * memberAlarms * PRICE.alarmMonth,
    },
    {
      what: 'keys, alarms, metrics, dashboard',
      units: `${keys}, ${alarms}, 4, 1`,
      usd:
        keys * PRICE.kmsKeyMonth + alarms * PRICE.alarmMonth + 4 * PRICE.metricMonth + PRICE.dashboardMonth,
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

export const PAGE = join(ROOT, 'docs/deploy.md');
const BLOCK = /(<!-- cost -->\n)[\s\S]*?(\n<!-- \/cost -->)/;

/** The page with the table as it is computed now. */
export const withCost = (page: string): string =>
  page.replace(BLOCK, (_, begin: string, end: string) => `${begin}${costMarkdown()}${end}`);

if (import.meta.main) writeFileSync(PAGE, withCost(readFileSync(PAGE, 'utf8')));
