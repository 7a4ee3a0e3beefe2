import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  FACT_NAMES,
  factDefinition,
  OPERATOR_NAMES,
  POLICY_PROBLEMS,
  parsePolicy,
  parsePolicyCases,
} from '../../src/policy/index.ts';
import { evaluateControls } from '../../src/rules/index.ts';
import { edited, POLICY_TEXT } from './shipped.ts';

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/policy-language.md', import.meta.url)), 'utf8');
const rowsOf = (heading: string): readonly string[] => {
  const lines = PAGE.split('\n');
  const from = lines.indexOf(heading) + 2;
  return lines.slice(
    from,
    lines.findIndex((line, index) => index >= from && !line.startsWith('|')),
  );
};

describe('the page of the language', () => {
  it('lists every code with its meaning, and no other', () => {
    expect(rowsOf('| code | meaning |')).toEqual(
      Object.entries(POLICY_PROBLEMS).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
    );
  });

  it('lists every fact with its meaning, and every operator', () => {
    const facts = rowsOf('| fact | subject | type and values | meaning |');
    expect(facts.map((row) => row.split('`')[1])).toEqual(FACT_NAMES);
    for (const [index, name] of FACT_NAMES.entries())
      expect(facts[index]).toContain(factDefinition(name).meaning);
    const operators = rowsOf('| operator | fits facts of type | value | reads |');
    expect(operators.map((row) => row.split('`')[1])).toEqual(OPERATOR_NAMES);
  });

  it('has a worked example that comes out as it says', async () => {
    const [control = '', cases = ''] = [...PAGE.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, block]) => block ?? '',
    );
    const text = edited(POLICY_TEXT, 'controls:\n', `controls:\n${control.replace(/^(?=.)/gm, '  ')}\n`);
    const policy = parsePolicy(text, 'p.yaml');
    if (!policy.ok) throw new Error(JSON.stringify(policy.error));
    const parsed = parsePolicyCases(cases, 'c.yaml', policy.value.policy);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    const { now } = parsed.value;
    for (const { facts, expect: expected, name } of parsed.value.cases) {
      const seen = Object.fromEntries(
        Object.entries(facts).map(([fact, value]) => [
          fact,
          value.kind === 'unobservable' ? value : { ...value, at: now, source: { call: 'a case' } },
        ]),
      );
      const [[verdict] = []] = await evaluateControls(policy.value.policy.controls.slice(0, 1), [seen]);
      expect([name, verdict?.outcome, verdict?.decidingClause]).toEqual([
        name,
        expected.outcome,
        expected.clause,
      ]);
    }
  });
});
