import { type Command, Option } from 'commander';
import type { AdoptedSettingView, ForeignSettings } from '../../api/index.ts';
import { type AccountId, accountId, region } from '../../core/index.ts';
import {
  adoptForeign,
  listAdopted,
  listForeign,
  type RestoreDocument,
  restoreDocument,
  SETTINGS,
  type SettingName,
} from '../../enforcement/index.ts';
import type { CommandContext } from '../context.ts';
import { actorHere, apiOption, type DeskOptions, isRemote, tokenFileOption, withDesk } from '../desk.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { kindOfPath, writeTextFile } from '../files.ts';
import { examples, formatOption, readAccounts, readRegions, stateOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { actorOption, refused, withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends DeskOptions {
  readonly account?: readonly AccountId[];
  readonly region?: readonly string[];
  readonly setting?: SettingName;
  readonly reason?: string;
  readonly out?: string;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('adopt')
    .description(
      'Take over a configuration that somebody else made: it is saved to a restore file, then returned to the baseline and read back. Without --account it lists what is foreign and waits. Needs the role `security`.',
    )
    .option('--account <id>', 'the account', readAccounts)
    .option('--region <region>', 'the Region', readRegions)
    .addOption(new Option('--setting <name>', 'which of the two settings').choices(SETTINGS))
    .option('--reason <text>', 'why it is taken over')
    .option('--out <file>', 'the restore file; it must not exist yet')
    .addOption(actorOption())
    .addOption(stateOption())
    .addOption(apiOption())
    .addOption(tokenFileOption())
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'proviso adopt --as anna',
        'proviso adopt --account 111111111111 --region eu-central-1 --setting invocation-logging --reason "agreed with its owner" --out restore.json --as anna',
      ),
    )
    .action((options: Options) =>
      options.account === undefined ? list(options, context) : adopt(options, context),
    );
}

async function list(options: Options, context: CommandContext): Promise<void> {
  if (isRemote(options, context))
    return withDesk(options, context, async (desk) => {
      const listed = await desk.call('listForeignSettings', { params: {} });
      if (!listed.ok) return refused(context, listed.error);
      tellList(listed.value, options, context);
    });
  const as = actorHere(options);
  await withState(options.state, context, async (state) => {
    const people = await state.services.directory.people();
    if (people.find(({ id }) => id === as)?.isActive !== true)
      return refused(context, {
        code: 'UNKNOWN_PERSON',
        message: `\`${as}\` is not in the people file, or has left`,
      });
    tellList(
      { foreign: await listForeign(state.services), adopted: await listAdopted(state.services) },
      options,
      context,
    );
  });
}

function tellList(listed: ForeignSettings, options: Options, context: CommandContext): void {
  const { foreign } = listed;
  if (foreign.length > 0) context.exitCode = EXIT.findings;
  if (options.format === 'json') {
    writeJson(context, listed);
    return;
  }
  writeLines(
    context,
    foreign.length === 0
      ? ['nothing foreign is waiting']
      : foreign.map((each) => `${each.accountId}  ${each.region}  ${each.setting}`),
  );
}

async function adopt(options: Options, context: CommandContext): Promise<void> {
  const [account] = options.account ?? [];
  const [where] = options.region ?? [];
  const { setting, reason, out } = options;
  if (
    account === undefined ||
    where === undefined ||
    setting === undefined ||
    reason === undefined ||
    out === undefined ||
    (options.account?.length ?? 0) > 1 ||
    (options.region?.length ?? 0) > 1
  )
    throw new CliFailure(
      EXIT.malformed,
      'one account, one Region, the setting, a reason and a restore file are needed',
      {
        remedy: 'give --account, --region, --setting, --reason and --out; nothing was changed',
      },
    );
  if ((await kindOfPath(out, context)) !== 'nothing')
    throw new CliFailure(EXIT.malformed, `\`${out}\` exists already`, {
      remedy: 'name a new file: a restore file is never overwritten. Nothing was changed',
    });
  const pair = { accountId: accountId(account), region: region(where) };
  const text = (restore: RestoreDocument): string => `${JSON.stringify(restore, undefined, 2)}\n`;
  const tell = ({ isOff, says, restore }: AdoptedSettingView): void => {
    if (!isOff) context.exitCode = EXIT.fault;
    if (options.format === 'json') {
      writeJson(context, { isOff, restore });
      return;
    }
    writeLines(
      context,
      wrap(printable(`${setting} of ${account}, ${where} ${says}; saved in ${out}`), context.width),
    );
  };
  if (isRemote(options, context))
    return withDesk(options, context, async (desk) => {
      const body = { account, region: pair.region, setting, reason };
      const adopted = await desk.call('adoptForeignSetting', { params: {}, body });
      if (!adopted.ok) return refused(context, adopted.error);
      // The deployment has saved it too, before it changed anything.
      await writeTextFile(out, text(adopted.value.restore), context);
      tell(adopted.value);
    });
  const as = actorHere(options);
  await withState(options.state, context, async (state) => {
    const adopted = await adoptForeign(state.services, pair, setting, as, reason, {
      // Before anything is changed: what cannot be saved is not taken over.
      save: (document) => writeTextFile(out, text(document), context),
    });
    await state.world.pump();
    if (!adopted.ok) return refused(context, adopted.error);
    tell({ ...adopted.value, restore: restoreDocument(pair, adopted.value.adopted) });
  });
}
