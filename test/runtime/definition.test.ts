import { describe, expect, test } from 'vitest';
import { parseStateMachine } from '../../src/runtime/index.ts';

/** A sound machine into which each case writes one fault, as YAML so that positions can be read. */
const task = `  Ask:
    Type: Task
    Resource: arn:aws:states:::lambda:invoke
    Parameters:
      FunctionName: {Fn::GetAtt: [ask, Arn]}
      Payload: {a: 1}
    End: true
`;
const machine = (states: string, top = 'StartAt: Ask\n'): string => `${top}States:\n${states}`;
const withField = (line: string): string =>
  machine(task.replace('    End: true\n', () => `    ${line}\n    End: true\n`));
/** A replacement as a function, since `$$` in a replacement text means `$`. */
const withPayload = (payload: string): string => machine(task).replace('{a: 1}', () => payload);
const only = (type: string, rest = ''): string => machine(`  Ask:\n    Type: ${type}\n${rest}`);

interface Refusal {
  readonly name: string;
  readonly text: string;
  readonly code: string;
  /** Must all occur in the message: the state and the field, by name. */
  readonly says: readonly string[];
  /** The text at the caret. */
  readonly at: string;
}

const refusals: readonly Refusal[] = [
  {
    name: 'variables',
    text: withField('Assign: {x: 1}'),
    code: 'unsupported-field',
    says: ['`Ask`', '`Assign`'],
    at: 'Assign',
  },
  {
    name: 'JSONata arguments',
    text: withField('Arguments: {}'),
    code: 'unsupported-field',
    says: ['`Ask`', '`Arguments`'],
    at: 'Arguments',
  },
  {
    name: 'JSONata output',
    text: withField('Output: 1'),
    code: 'unsupported-field',
    says: ['`Ask`', '`Output`'],
    at: 'Output',
  },
  {
    name: 'JSONata for one state',
    text: withField('QueryLanguage: JSONata'),
    code: 'invalid-field',
    says: ['`Ask`', '`QueryLanguage`'],
    at: 'JSONata',
  },
  {
    name: 'JSONata for the machine',
    text: machine(task, 'QueryLanguage: JSONata\nStartAt: Ask\n'),
    code: 'invalid-field',
    says: ['`QueryLanguage`'],
    at: 'JSONata',
  },
  {
    name: 'a JSONata expression in a payload',
    text: withField('x: 1').replace('{a: 1}', "{a: '{% $now() %}'}").replace('    x: 1\n', ''),
    code: 'invalid-field',
    says: ['`Ask`', '`Parameters.Payload.a`', 'JSONata'],
    at: "'{%",
  },
  {
    name: 'an intrinsic function',
    text: withPayload('{a.$: States.UUID()}'),
    code: 'invalid-field',
    says: ['`Ask`', 'intrinsic', '`States.UUID()`'],
    at: 'States.UUID',
  },
  {
    name: 'a variable reference',
    text: withPayload('{a.$: $x.y}'),
    code: 'invalid-field',
    says: ['`Ask`', 'variable', '`$x.y`'],
    at: '$x.y',
  },
  {
    name: 'a wildcard path',
    text: withField("InputPath: '$.a[*]'"),
    code: 'invalid-field',
    says: ['`Ask`', '`InputPath`', '`$.a[*]`'],
    at: "'$.a[*]'",
  },
  {
    name: 'a filter path',
    text: withField("OutputPath: '$.a[?(@.b)]'"),
    code: 'invalid-field',
    says: ['`Ask`', '`OutputPath`'],
    at: "'$.a[?",
  },
  {
    name: 'a path with a recursive descent',
    text: withField("OutputPath: '$..a'"),
    code: 'invalid-field',
    says: ['`Ask`', '`OutputPath`'],
    at: "'$..a",
  },
  {
    name: 'a context field outside the subset',
    text: withPayload('{a.$: $$.Execution.RoleArn}'),
    code: 'invalid-field',
    says: ['`Ask`', '`$$.Execution.RoleArn`'],
    at: '$$.Exec',
  },
  {
    name: 'the whole context object',
    text: withPayload('{a.$: $$}'),
    code: 'invalid-field',
    says: ['`Ask`', '`$$`'],
    at: '$$',
  },
  {
    name: 'a result written into the context',
    text: withField('ResultPath: $$.Execution.Input.x'),
    code: 'invalid-field',
    says: ['`Ask`', '`ResultPath`'],
    at: '$$.Exec',
  },
  {
    name: 'a token asked for without waiting for it',
    text: withPayload('{a.$: $$.Task.Token}'),
    code: 'invalid-field',
    says: ['`Ask`', '`$$.Task.Token`', '.waitForTaskToken'],
    at: 'Payload',
  },
  {
    name: 'a token asked for in a Pass',
    text: only('Pass', '    Parameters: {t.$: $$.Task.Token}\n    End: true\n'),
    code: 'invalid-field',
    says: ['`Ask`', '`Parameters`', '`$$.Task.Token`'],
    at: 'Parameters',
  },
  {
    name: 'credentials',
    text: withField('Credentials: {RoleArn: x}'),
    code: 'unsupported-field',
    says: ['`Ask`', '`Credentials`'],
    at: 'Credentials',
  },
  {
    name: 'another integration',
    text: machine(task).replace('lambda:invoke', 'aws-sdk:bedrock:putModelInvocationLoggingConfiguration'),
    code: 'invalid-field',
    says: ['`Ask`', '`Resource`'],
    at: 'arn:aws:states:::aws-sdk',
  },
  {
    name: 'an activity',
    text: machine(task).replace(
      'arn:aws:states:::lambda:invoke',
      'arn:aws:states:eu-central-1:111122223333:activity:a',
    ),
    code: 'invalid-field',
    says: ['`Ask`', '`Resource`'],
    at: 'arn:aws:states:eu',
  },
  {
    name: 'a function by its ARN',
    text: machine(task).replace(
      '{Fn::GetAtt: [ask, Arn]}',
      'arn:aws:lambda:eu-central-1:111122223333:function:f',
    ),
    code: 'invalid-field',
    says: ['`Ask`', '`Parameters.FunctionName`', 'Fn::GetAtt'],
    at: 'arn:aws:lambda',
  },
  {
    name: 'another attribute of a function',
    text: machine(task).replace('[ask, Arn]', '[ask, Name]'),
    code: 'invalid-field',
    says: ['`Ask`', '`Parameters.FunctionName.Fn::GetAtt.1`'],
    at: 'Name]',
  },
  {
    name: 'asynchronous invocation',
    text: machine(task).replace('      Payload', '      InvocationType: Event\n      Payload'),
    code: 'unsupported-field',
    says: ['`Ask`', '`Parameters.InvocationType`'],
    at: 'InvocationType',
  },
  {
    name: 'a Task without Resource',
    text: machine(task.replace(/ {4}Resource.*\n/, '')),
    code: 'missing-field',
    says: ['`Ask`', '`Resource`'],
    at: 'Ask',
  },
  {
    name: 'a distributed Map',
    text: only(
      'Map',
      '    ItemProcessor:\n      ProcessorConfig: {Mode: DISTRIBUTED}\n      StartAt: I\n      States: {I: {Type: Succeed}}\n    End: true\n',
    ),
    code: 'invalid-field',
    says: ['`Ask`', '`ProcessorConfig.Mode`', 'DISTRIBUTED'],
    at: 'DISTRIBUTED',
  },
  {
    name: 'an item reader',
    text: only(
      'Map',
      '    ItemReader: {}\n    ItemProcessor:\n      StartAt: I\n      States: {I: {Type: Succeed}}\n    End: true\n',
    ),
    code: 'unsupported-field',
    says: ['`Ask`', '`ItemReader`'],
    at: 'ItemReader',
  },
  {
    name: 'a Map without a processor',
    text: only('Map', '    End: true\n'),
    code: 'invalid-field',
    says: ['`Ask`', '`ItemProcessor`'],
    at: 'Ask',
  },
  {
    name: 'more items at a time than an inline Map runs',
    text: only(
      'Map',
      '    MaxConcurrency: 41\n    Iterator:\n      StartAt: I\n      States: {I: {Type: Succeed}}\n    End: true\n',
    ),
    code: 'invalid-field',
    says: ['`Ask`', '`MaxConcurrency`', '40'],
    at: '41',
  },
  {
    name: 'an unknown state type',
    text: only('Loop', '    End: true\n'),
    code: 'unsupported-state-type',
    says: ['`Ask`', '`Loop`'],
    at: 'Loop',
  },
  {
    name: 'a state without type',
    text: machine('  Ask: {End: true}\n'),
    code: 'unsupported-state-type',
    says: ['`Ask`', '`Type`'],
    at: 'Ask',
  },
  {
    name: 'an unknown comparison',
    text: only(
      'Choice',
      '    Choices:\n      - {Variable: $.a, StringEqualsIgnoreCase: b, Next: D}\n  D: {Type: Succeed}\n',
    ),
    code: 'invalid-field',
    says: ['`Ask`', '`StringEqualsIgnoreCase`'],
    at: 'b, Next',
  },
  {
    name: 'two comparisons in one rule',
    text: only(
      'Choice',
      '    Choices:\n      - {Variable: $.a, IsNull: true, StringEquals: b, Next: D}\n  D: {Type: Succeed}\n',
    ),
    code: 'invalid-field',
    says: ['`Ask`', 'exactly one comparison'],
    at: 'b, Next',
  },
  {
    name: 'a comparison with the wrong kind of value',
    text: only(
      'Choice',
      '    Choices:\n      - {Variable: $.a, NumericEquals: "1", Next: D}\n  D: {Type: Succeed}\n',
    ),
    code: 'invalid-field',
    says: ['`Ask`', '`NumericEquals`', 'a number'],
    at: '"1"',
  },
  {
    name: 'an empty And',
    text: only('Choice', '    Choices:\n      - {And: [], Next: D}\n  D: {Type: Succeed}\n'),
    code: 'invalid-field',
    says: ['`Ask`', '`And`', 'at least one'],
    at: 'And',
  },
  {
    name: 'a fault deep inside a rule',
    text: only(
      'Choice',
      '    Choices:\n      - Not: {Or: [{Variable: a, IsNull: true}]}\n        Next: D\n  D: {Type: Succeed}\n',
    ),
    code: 'invalid-field',
    says: ['`Ask`', '`Choices.0.Not.Or.0.Variable`'],
    at: 'a, IsNull',
  },
  {
    name: 'a rule without Next',
    text: only('Choice', '    Choices:\n      - {Variable: $.a, IsNull: true}\n  D: {Type: Succeed}\n'),
    code: 'invalid-field',
    says: ['`Ask`', '`Choices.0.Next`'],
    at: '{Variable',
  },
  {
    name: 'a Wait with two ends',
    text: only('Wait', '    Seconds: 1\n    TimestampPath: $.a\n    End: true\n'),
    code: 'invalid-field',
    says: ['`Ask`', 'exactly one of'],
    at: '$.a',
  },
  {
    name: 'a Wait without an end',
    text: only('Wait', '    End: true\n'),
    code: 'invalid-field',
    says: ['`Ask`', 'exactly one of'],
    at: 'Ask',
  },
  {
    name: 'a Wait until a local time',
    text: only('Wait', '    Timestamp: 2026-12-01T09:00:00+01:00\n    End: true\n'),
    code: 'invalid-field',
    says: ['`Ask`', '`Timestamp`', 'UTC'],
    at: '2026-12-01',
  },
  {
    name: 'a Wait longer than AWS takes',
    text: only('Wait', '    Seconds: 100000000\n    End: true\n'),
    code: 'invalid-field',
    says: ['`Ask`', '`Seconds`', '99999999'],
    at: '100000000',
  },
  {
    name: 'a timeout of zero',
    text: withField('TimeoutSeconds: 0'),
    code: 'invalid-field',
    says: ['`Ask`', '`TimeoutSeconds`'],
    at: '0',
  },
  {
    name: 'a timeout given twice',
    text: withField('TimeoutSeconds: 1\n    TimeoutSecondsPath: $.t'),
    code: 'invalid-field',
    says: ['`Ask`', '`TimeoutSecondsPath`'],
    at: '$.t',
  },
  {
    name: 'an unknown jitter',
    text: withField('Retry: [{ErrorEquals: [E], JitterStrategy: SOME}]'),
    code: 'invalid-field',
    says: ['`Ask`', '`Retry.0.JitterStrategy`'],
    at: 'SOME',
  },
  {
    name: 'a backoff below one',
    text: withField('Retry: [{ErrorEquals: [E], BackoffRate: 0.5}]'),
    code: 'invalid-field',
    says: ['`Ask`', '`Retry.0.BackoffRate`'],
    at: '0.5',
  },
  {
    name: 'a Catch for no error',
    text: withField('Catch: [{ErrorEquals: [], Next: Ask}]'),
    code: 'invalid-field',
    says: ['`Ask`', '`Catch.0.ErrorEquals`'],
    at: 'ErrorEquals',
  },
  {
    name: 'a Catch on a state that cannot have one',
    text: only('Pass', '    Catch: []\n    End: true\n'),
    code: 'unsupported-field',
    says: ['`Ask`', '`Catch`'],
    at: 'Catch',
  },
  {
    name: 'a cause computed from the input',
    text: only('Fail', '    CausePath: $.c\n'),
    code: 'unsupported-field',
    says: ['`Ask`', '`CausePath`'],
    at: 'CausePath',
  },
  {
    name: 'both Next and End',
    text: withField('Next: Ask'),
    code: 'transition',
    says: ['`Ask`', '`Next`', '`End: true`'],
    at: 'Ask',
  },
  {
    name: 'neither Next nor End',
    text: machine(task.replace('    End: true\n', '')),
    code: 'transition',
    says: ['`Ask`', '`Next`'],
    at: 'Ask',
  },
  {
    name: 'a start that does not exist',
    text: machine(task, 'StartAt: Nope\n'),
    code: 'missing-target',
    says: ['`StartAt`', '`Nope`'],
    at: 'Nope',
  },
  { name: 'no start', text: machine(task, ''), code: 'missing-field', says: ['`StartAt`'], at: 'States' },
  {
    name: 'a Next that does not exist',
    text: machine(task.replace('End: true', 'Next: Nope')),
    code: 'missing-target',
    says: ['`Ask`', '`Next`', '`Nope`'],
    at: 'Nope',
  },
  {
    name: 'a Catch that leads nowhere',
    text: withField('Catch: [{ErrorEquals: [E], Next: Nope}]'),
    code: 'missing-target',
    says: ['`Ask`', '`Catch.0.Next`', '`Nope`'],
    at: 'Nope',
  },
  {
    name: 'a Default that does not exist',
    text: only(
      'Choice',
      '    Choices:\n      - {Variable: $.a, IsNull: true, Next: D}\n    Default: Nope\n  D: {Type: Succeed}\n',
    ),
    code: 'missing-target',
    says: ['`Ask`', '`Default`', '`Nope`'],
    at: 'Nope',
  },
  {
    name: 'a jump out of a branch',
    text: only(
      'Parallel',
      '    Branches:\n      - StartAt: A\n        States: {A: {Type: Pass, Next: D}}\n    Next: D\n  D: {Type: Succeed}\n',
    ),
    code: 'missing-target',
    says: ['branch 1', '`A`', '`D`'],
    at: 'D}',
  },
  {
    name: 'a state nobody leads to',
    text: machine(`${task}  Lost: {Type: Succeed}\n`),
    code: 'unreachable-state',
    says: ['`Lost`'],
    at: 'Lost',
  },
  {
    name: 'a run that cannot end',
    text: machine('  Ask: {Type: Pass, Next: B}\n  B: {Type: Pass, Next: Ask}\n'),
    code: 'no-terminal-state',
    says: ['ends the run'],
    at: 'Ask',
  },
  {
    name: 'a name used twice across branches',
    text: only(
      'Parallel',
      '    Branches:\n      - {StartAt: A, States: {A: {Type: Succeed}}}\n      - {StartAt: A, States: {A: {Type: Fail}}}\n    End: true\n',
    ),
    code: 'duplicate-state',
    says: ['`A`'],
    at: 'A: {Type: Fail',
  },
  {
    name: 'a state name that is too long',
    text: machine(task).replaceAll('Ask', 'A'.repeat(81)),
    code: 'state-name',
    says: ['80'],
    at: 'AAA',
  },
  {
    name: 'no states',
    text: 'StartAt: Ask\nStates: {}\n',
    code: 'no-states',
    says: ['no states'],
    at: 'States',
  },
  {
    name: 'a field at the top that does not exist',
    text: machine(task, 'StartAt: Ask\nTimeout: 5\n'),
    code: 'unsupported-field',
    says: ['the state machine', '`Timeout`'],
    at: 'Timeout',
  },
  {
    name: 'a key given twice',
    text: machine(task, 'StartAt: Ask\nStartAt: Ask\n'),
    code: 'duplicate-key',
    says: ['twice'],
    at: 'StartAt',
  },
];

describe('what is outside the portable subset is refused, with state, field and position', () => {
  test.each(refusals)('$name', ({ text, code, says, at }) => {
    const parsed = parseStateMachine(text, 'm.asl.yml');
    if (parsed.ok) throw new Error('it was accepted');
    expect(parsed.error.map((problem) => problem.code)).toEqual([code]);
    const [problem] = parsed.error;
    for (const words of says) expect(problem?.message).toContain(words);
    const line = text.split('\n')[(problem?.line ?? 0) - 1] ?? '';
    expect(line.slice((problem?.column ?? 0) - 1).slice(0, at.length)).toBe(at);
    expect(problem?.file).toBe('m.asl.yml');
    expect(problem?.remedy).not.toBe('');
  });
  test('all problems of a file are reported, not the first', () => {
    const text = withField('Assign: {x: 1}\n    Credentials: {}\n    TimeoutSeconds: 0');
    const parsed = parseStateMachine(`${text}  B: {Type: Loop}\n`, 'm');
    expect(parsed.ok ? [] : parsed.error.map((problem) => problem.code).toSorted()).toEqual([
      'invalid-field',
      'unsupported-field',
      'unsupported-field',
      'unsupported-state-type',
    ]);
  });
});

describe('what is inside', () => {
  test('YAML and JSON of the same document are the same machine', () => {
    const yaml = parseStateMachine(machine(task), 'm.yml');
    if (!yaml.ok) throw new Error('refused');
    const json = parseStateMachine(yaml.value.definition, 'm.json');
    expect(json.ok && json.value.hash).toBe(yaml.value.hash);
  });
  test('the machine keeps every state by name, nested ones too', () => {
    const text = only(
      'Map',
      '    Iterator:\n      StartAt: I\n      States: {I: {Type: Succeed}}\n    End: true\n',
    );
    const parsed = parseStateMachine(text, 'm');
    expect(parsed.ok && [...parsed.value.allStates.keys()].toSorted()).toEqual(['Ask', 'I']);
  });
  test('a field named like an inherited one is only a field', () => {
    const text = withPayload('{__proto__: {b: 1}, constructor.$: $.constructor}');
    expect(parseStateMachine(text, 'm').ok).toBe(true);
    const state = parseStateMachine('StartAt: A\nStates: {A: {Type: constructor}}', 'm');
    expect(!state.ok && state.error[0]?.code).toBe('unsupported-state-type');
  });
});
