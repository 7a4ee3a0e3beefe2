import { type Command, Option } from 'commander';
import { formatInstant } from '../../core/index.ts';
import {
  isTerminal,
  type PlannedChange,
  placesText,
  plannedChanges,
  whereOf,
} from '../../exceptions/index.ts';
import { allExceptions } from '../all-exceptions.ts';
import type { CommandContext } from '../context.ts';
import { type StateOptions, stateCommand } from '../exceptions.ts';
import { formatOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends StateOptions {
  readonly publish?: boolean;
}

export function register(program: Command, context: CommandContext): void {
  stateCommand(
    program,
    'siem-window',
    'The Put and Delete calls that exceptions are going to make: account, Region, role and window. Whoever watches CloudTrail tells them from an attack; any other call is not ours.',
    'proviso exception siem-window > planned-changes.json',
    formatOption('json', 'text'),
  )
    .addOption(new Option('--publish', 'also send each exception’s list through the notifications'))
    .action((options: Options) => siemWindow(options, context));
}

async function siemWindow(options: Options, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    const { policyInForce, notifier } = state.services;
    const policy = await policyInForce.current();
    const now = state.clock.now();
    const all: PlannedChange[] = [];
    for (const { record, leases } of await allExceptions(state)) {
      if (isTerminal(record.state)) continue;
      const changes = plannedChanges(record, leases, policy);
      if (changes.length === 0) continue;
      all.push(...changes);
      if (options.publish === true)
        await notifier.notify({
          id: `siem-window/${record.id}/${now}`,
          type: 'exception.planned-changes',
          at: now,
          subject: record.id,
          urgency: 'know',
          to: { roles: ['security'], people: [] },
          happened: `${changes.length} planned changes of ${record.id} in ${placesText(record.request)}`,
          reference: record.request.reference,
          ...whereOf(record.request),
          plannedChanges: changes,
        });
    }
    if (options.format === 'json')
      return writeJson(context, { schemaVersion: 1, at: formatInstant(now), plannedChanges: all });
    writeLines(
      context,
      all.length === 0
        ? ['nothing is planned: any change of the settings is somebody else’s']
        : all.flatMap((change) => [
            ...wrap(
              printable(
                `${change.notBefore} to ${change.notAfter}  ${change.purpose}: ${change.eventNames.join(' or ')} by ${change.roleName} in ${change.accountId}, ${change.region} (${change.exceptionId}, ${change.reference})`,
              ),
              context.width,
              '',
              '  ',
            ),
          ]),
    );
  });
}
