import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configPrice, monthlyCost, withCost } from '../../scripts/cost.ts';
import { ACTS } from '../../scripts/permissions.ts';
import { OPTIONAL_VARIABLES, VARIABLES } from '../../src/adapters/environment.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8');
const template = readFileSync(join(ROOT, 'templates/member-account.yml'), 'utf8');
const section = (title: string) =>
  new RegExp(`\\n## ${title}\\n([\\s\\S]*?)(?=\\n## |$)`).exec(page)?.[1] ?? '';
const named = (text: string, pattern: RegExp) =>
  [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();

it('the page lists every variable of the functions and no other', () => {
  const listed = named(section('Variables of the functions'), /^\| `([A-Z_]+)` \|/gm);
  expect(listed).toEqual([...Object.keys(VARIABLES), ...Object.keys(OPTIONAL_VARIABLES)].sort());
});

it('the page gives every permission of the governance account with its reason, and no other', () => {
  const listed = named(section('Permissions in the governance account'), /`([a-z0-9]+:[A-Za-z]+)`/g);
  const allowed = Object.values(ACTS).flatMap(({ actions }) => actions as readonly string[]);
  const ofDeployment = [
    'iam:PassRole',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    'sqs:SendMessage',
    'xray:PutTelemetryRecords',
    'xray:PutTraceSegments',
  ];
  expect(listed).toEqual([...new Set([...allowed, ...ofDeployment])].sort());
});

it('the page gives every permission of a governed account with its reason, and no other', () => {
  // The collecting role's own page is generated from the collectors, and this one sends readers there.
  const collecting = readFileSync(join(ROOT, 'docs/permissions.md'), 'utf8');
  const action = /["`]([a-z0-9-]+:[A-Z][A-Za-z]+)["`]/g;
  const here = named(section('Permissions in a governed account'), action);
  const allowed = named(template, /^\s+(?:- |Action: )([a-z0-9]+:[A-Z][A-Za-z]+)$/gm).filter(
    (action) => action !== 'sts:AssumeRole' && action !== 'sts:ExternalId',
  );
  const there = named(collecting, action);
  expect(here.filter((each) => !allowed.includes(each))).toEqual([]);
  expect(allowed.filter((each) => !here.includes(each) && !there.includes(each))).toEqual([]);
});

it('the page shows what a month costs, as the script computes it', () => {
  expect(withCost(page)).toBe(page);
  expect(page).toContain('| **together** |');
  // By hand: 219,000 evaluations in one Region are 100,000 at 0.001 and 119,000 at 0.0008.
  expect(configPrice(219_000)).toBeCloseTo(195.2);
  expect(monthlyCost(100)[0]?.usd).toBeCloseTo(3 * (73_000 * 0.001));
});
