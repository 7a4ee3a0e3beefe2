import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatProblem } from '../../src/core/index.ts';
import { lintStateMachine, parseStateMachine, type TaskHandler } from '../../src/runtime/index.ts';
import { bench, described, machineOf, START } from './harness.ts';

const fixture = join(import.meta.dirname, 'fixtures/exception.asl.yml');
const sound = readFileSync(fixture, 'utf8');
/** asl-validator is CommonJS and carries its own types. */
const aslValidator = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  readonly isValid: boolean;
  readonly errors: readonly unknown[];
};

/** The sound machine with one piece of text exchanged; a piece that is not there is a fault of the test. */
function changed(...pairs: readonly (readonly [string, string])[]): string {
  return pairs.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the fixture has no ${from}`);
    return text.replace(from, () => to);
  }, sound);
}

interface LintCase {
  readonly name: string;
  readonly text: string;
  readonly code: string;
  readonly state: string;
  readonly severity?: 'warning';
}

const enableCatch = `    Catch:
      - ErrorEquals: [States.ALL]
        ResultPath: $.failure
        Next: StartEnding
`;

const cases: readonly LintCase[] = [
  {
    name: 'a token that is waited for and never passed',
    text: changed(['              taskToken.$: $$.Task.Token\n', '']),
    code: 'token-not-passed',
    state: 'AskForApproval',
  },
  {
    name: 'a token task without a limit',
    text: changed(['          TimeoutSeconds: 1209600\n', '']),
    code: 'token-without-timeout',
    state: 'AskForApproval',
  },
  {
    name: 'a heartbeat as long as the timeout',
    text: changed(['TimeoutSeconds: 1209600\n', 'TimeoutSeconds: 60\n          HeartbeatSeconds: 60\n']),
    code: 'heartbeat-not-below-timeout',
    state: 'AskForApproval',
  },
  {
    name: 'States.ALL beside another name',
    text: changed([enableCatch, enableCatch.replace('[States.ALL]', '[Denied, States.ALL]')]),
    code: 'states-all-not-alone',
    state: 'Enable',
  },
  {
    name: 'States.ALL before another Catch',
    text: changed([enableCatch, `${enableCatch}      - ErrorEquals: [Denied]\n        Next: StartEnding\n`]),
    code: 'states-all-not-last',
    state: 'Enable',
  },
  {
    name: 'States.ALL before another Retry',
    text: changed(
      ['    Retry:\n', '    Retry:\n      - ErrorEquals: [States.ALL]\n      - ErrorEquals: [Busy]\n'],
      [
        `      - ErrorEquals: [States.ALL]
        IntervalSeconds: 5
        BackoffRate: 2
        MaxAttempts: 10
        MaxDelaySeconds: 300
`,
        '',
      ],
    ),
    code: 'states-all-not-last',
    state: 'StartEnding',
  },
  {
    name: 'a long wait that is relative',
    text: changed(['    TimestampPath: $.lease.expiresAt\n', '    Seconds: 3601\n']),
    code: 'long-relative-wait',
    state: 'WaitForEnd',
    severity: 'warning',
  },
  {
    name: 'the enabling state itself without a Catch',
    text: changed([enableCatch, '']),
    code: 'no-catch-to-ending',
    state: 'Enable',
  },
  {
    name: 'a Catch of the enabling state that is not on everything',
    text: changed([enableCatch, enableCatch.replace('States.ALL', 'States.TaskFailed')]),
    code: 'no-catch-to-ending',
    state: 'Enable',
  },
  {
    name: 'a state between enabling and ending without a Catch',
    text: changed(
      ['    Next: WaitForEnd\n', '    Next: ReadBack\n'],
      [
        '  WaitForEnd:\n',
        `  ReadBack:
    Type: Task
    Resource: arn:aws:states:::lambda:invoke
    Parameters: {FunctionName: {Fn::GetAtt: [readBack, Arn]}}
    ResultPath: null
    Next: WaitForEnd
  WaitForEnd:
`,
      ],
    ),
    code: 'no-catch-to-ending',
    state: 'ReadBack',
  },
  {
    name: 'a Parallel between enabling and ending without a Catch',
    text: changed(
      ['    Next: WaitForEnd\n', '    Next: Watch\n'],
      [
        '  WaitForEnd:\n',
        `  Watch:
    Type: Parallel
    Branches: [{StartAt: Look, States: {Look: {Type: Pass, End: true}}}]
    ResultPath: null
    Next: WaitForEnd
  WaitForEnd:
`,
      ],
    ),
    code: 'no-catch-to-ending',
    state: 'Watch',
  },
  {
    name: 'a way out that ends the run without the ending',
    text: changed([
      '    TimestampPath: $.lease.expiresAt\n    Next: StartEnding\n',
      '    TimestampPath: $.lease.expiresAt\n    Next: Look\n  Look:\n    Type: Choice\n    Choices: [{Variable: $.lease, IsNull: true, Next: Gone}]\n    Default: StartEnding\n  Gone: {Type: Succeed}\n',
    ]),
    code: 'ends-without-ending',
    state: 'Gone',
  },
  {
    name: 'a Choice after enabling that may match nothing',
    text: changed([
      '    TimestampPath: $.lease.expiresAt\n    Next: StartEnding\n',
      '    TimestampPath: $.lease.expiresAt\n    Next: Look\n  Look:\n    Type: Choice\n    Choices: [{Variable: $.lease, IsNull: false, Next: StartEnding}]\n',
    ]),
    code: 'choice-without-default',
    state: 'Look',
  },
  {
    name: 'a marker for enabling and none for the ending',
    text: changed(['    Comment: proviso:starts-ending\n', '']),
    code: 'no-ending-marked',
    state: 'Enable',
  },
  {
    name: 'a marker inside a Map',
    text: changed(['          Type: Task\n', '          Type: Task\n          Comment: proviso:enables\n']),
    code: 'marker-nested',
    state: 'AskForApproval',
  },
  {
    name: 'a limit of the whole machine, which no Catch sees',
    text: changed(['StartAt: CollectApprovals\n', 'StartAt: CollectApprovals\nTimeoutSeconds: 99\n']),
    code: 'timeout-skips-ending',
    state: '',
    severity: 'warning',
  },
];

describe('the lint', () => {
  test('has nothing to say about the sound machine', () => {
    expect(lintStateMachine(machineOf(sound))).toEqual([]);
  });
  test.each(cases)('finds $name', ({ text, code, state, severity }) => {
    const findings = lintStateMachine(machineOf(text));
    expect(findings.map((finding) => [finding.code, finding.state, finding.severity])).toEqual([
      [code, state, severity ?? 'error'],
    ]);
    expect(formatProblem(findings[0] ?? ({} as never))).toMatch(/^test\.asl\.yml:\d+:\d+\n/);
  });
  test('a Catch into a loop that never reaches the ending is found', () => {
    const text = changed(
      [enableCatch, enableCatch.replace('Next: StartEnding', 'Next: Spin')],
      ['  NotApproved:\n', '  Spin: {Type: Pass, Next: Spin}\n  NotApproved:\n'],
    );
    expect(lintStateMachine(machineOf(text)).map((finding) => [finding.code, finding.state])).toEqual([
      ['catch-misses-ending', 'Enable'],
    ]);
  });
  describe('a rule that says nothing was enabled', () => {
    const asked = (comment: string, extra = '') =>
      changed(
        ['    Next: WaitForEnd\n', '    Next: IsPut\n'],
        [
          '  WaitForEnd:\n',
          `  IsPut:
    Type: Choice
    Choices: [{${comment}Variable: $.lease.expiresAt, IsNull: true, Next: NotApproved}]
    Default: WaitForEnd
${extra}  WaitForEnd:
`,
        ],
      );
    const marker = 'Comment: "proviso:nothing-enabled, the lease was not active", ';
    const found = (text: string) => lintStateMachine(machineOf(text)).map(({ code, state }) => [code, state]);
    test('lets that one way out end without the ending', () => {
      expect(found(asked(''))).toEqual([['ends-without-ending', 'NotApproved']]);
      expect(found(asked(marker))).toEqual([]);
    });
    test('is not believed where another state can lead to the same Choice', () => {
      const text = asked(marker).replace(
        '    TimestampPath: $.lease.expiresAt\n    Next: StartEnding\n',
        () => '    TimestampPath: $.lease.expiresAt\n    Next: IsPut\n',
      );
      expect(found(text)).toEqual([
        ['nothing-enabled-misplaced', 'IsPut'],
        ['ends-without-ending', 'NotApproved'],
      ]);
    });
    test('is not believed where a failure of the enabling state leads to the same Choice', () => {
      const text = asked(marker).replace(enableCatch, () =>
        enableCatch.replace('Next: StartEnding', 'Next: IsPut'),
      );
      expect(found(text).map(([code]) => code)).toContain('nothing-enabled-misplaced');
      expect(found(text)).toContainEqual(['ends-without-ending', 'NotApproved']);
    });
  });
  test('without markers the rule about the ending does not apply', () => {
    const text = changed(['    Comment: proviso:enables\n', ''], [enableCatch, '']);
    expect(lintStateMachine(machineOf(text))).toEqual([]);
  });
});

describe('asl-validator', () => {
  test('accepts the fixture', () => {
    expect(aslValidator(JSON.parse(machineOf(sound).definition))).toMatchObject({
      isValid: true,
      errors: [],
    });
  });
  test.each(cases)('misses $name', ({ text }) => {
    expect(aslValidator(JSON.parse(machineOf(text).definition)).isValid).toBe(true);
  });
});

describe('the page on the subset', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/workflow-subset.md'), 'utf8');
  const block = (language: string): string =>
    new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)?.[1] ?? '';
  const lintOf = (text: string): string => {
    const parsed = parseStateMachine(text, 'workflow.asl.yml');
    return (parsed.ok ? lintStateMachine(parsed.value) : parsed.error).map(formatProblem).join('\n');
  };
  test('its example is clean, and says what the page says without its Catch', () => {
    expect(lintOf(block('yaml'))).toBe('');
    const broken = block('yaml').replace(/ {4}Catch:\n.*\n.*\n.*\n/, '');
    const shown = block('text')
      .trim()
      .split('\n')
      .map((line) => line.trim());
    const words = (text: string): string => text.split(/\s+/).join(' ');
    expect(words(lintOf(broken))).toBe(words(shown.join('\n')));
  });
  test('it names every code of the lint', () => {
    for (const code of new Set([
      ...cases.map((entry) => entry.code),
      'catch-misses-ending',
      'nothing-enabled-misplaced',
    ]))
      expect(page).toContain(`\`${code}\``);
  });
});

describe('the fixture', () => {
  test('runs from approval to the ending', async () => {
    const tokens: string[] = [];
    const calls: string[] = [];
    const note =
      (name: string, result: unknown): TaskHandler =>
      async () => {
        calls.push(name);
        return result;
      };
    const b = bench(machineOf(sound), {
      handlers: {
        ask: async (event) => {
          tokens.push((event as { taskToken: string }).taskToken);
        },
        enable: note('enable', { expiresAt: '2026-01-13T00:00:00Z' }),
        startEnding: note('startEnding', null),
      },
    });
    await b.runtime.start({
      machine: 'm',
      name: 'x',
      input: { exceptionId: 'ex-1234', roles: ['legal', 'security'] },
    });
    await b.runtime.runDue();
    for (const token of tokens) await b.runtime.sendTaskSuccess(token, {});
    await b.runtime.runDue();
    expect(calls).toEqual(['enable']);
    await b.play((13 * 86_400_000) as Parameters<typeof b.play>[0]);
    expect(calls).toEqual(['enable', 'startEnding']);
    expect(await described(b)).toMatchObject({ status: 'SUCCEEDED', stoppedAt: START + 12 * 86_400_000 });
  });
});
