import { expect, it } from 'vitest';
import { parseAction } from '../../src/cli/scenario.ts';

const said = (name: string, ...words: string[]): string => {
  const read = parseAction(name, words);
  return read.ok ? 'read' : read.error;
};

it.each([
  [['stop-workflow', 'exception=ex-0123456789ab'], 'read'],
  [['stop-workflow'], '`stop-workflow` needs `exception=…`'],
  [['put-logging', 'account=222222222222'], '`put-logging` needs `region=…`; `put-logging` needs `bucket=…`'],
  [['event-rules', 'state=maybe'], '`state=maybe`: write on or off'],
  [['clear-faults', 'of=bedrock'], '`clear-faults` has no field `of`; it takes none'],
  [['mute', 'detector=sweeper', 'for=1h'], '`mute` has no field `for`; it takes detector'],
  [['fault', 'operation=x', 'kind=y'], expect.stringContaining('`kind=y`: write ')],
  [['config-rule', 'account=12', 'region=eu-central-1'], expect.stringContaining('`account=12`')],
  [['set-retention', 'account=222222222222', 'region=eu-central-1', 'mode='], '`mode=` is empty'],
  [['nothing'], expect.stringMatching(/^there is no action `nothing`; there are adopt, /)],
  [['mute', 'sweeper'], '`sweeper` is not a field; write NAME=VALUE'],
])('`simulate do %j` is answered in words of ours', ([name = '', ...words], answer) => {
  expect(said(name, ...words)).toEqual(answer);
  expect(said(name, ...words)).not.toMatch(/Invalid|expected (string|object)|undefined|received/);
});
