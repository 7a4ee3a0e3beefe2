import { type Command, Option } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { requireActor, withDesk } from '../desk.ts';
import { commandAbout, type ReasonedOptions, said } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { actorOption } from '../state.ts';

interface Options extends ReasonedOptions {
  readonly reference: string;
  readonly below?: readonly string[];
  readonly vault?: readonly string[];
  readonly vaultKey?: readonly string[];
}

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'hold',
    'Put an exception on legal hold. Only Legal, with a matter and a reason. With a vault, what is in scope is moved there, and the purge waits until it is; without one the purge waits until the release, and AWS’s own lifecycle at the destination is not suspended: copy what must be kept. Switching off never waits.',
    'proviso exception hold ex-a1b2c3d4e5f6 --as lena --reference LIT-2026-7 --reason "claim filed" --vault proviso-hold-lit7-222222222222 --vault-key "$VAULT_KEY_ARN"',
  )
    .addOption(actorOption())
    .requiredOption('--reference <text>', 'Legal’s own matter')
    .requiredOption('--reason <text>', 'why it must be kept')
    .addOption(
      new Option(
        '--below <prefix...>',
        'what is in scope: beginnings of keys below the exception’s own prefix (default: everything)',
      ),
    )
    .addOption(
      new Option(
        '--vault <location...>',
        'where it is moved: bucket or bucket/prefix/, in which nothing deletes; of an exception for several accounts and Regions one in each, in their order',
      ),
    )
    .addOption(new Option('--vault-key <arn...>', 'the vault’s own key; one for each vault'))
    .action((id: ExceptionId, options: Options) => holdException(id, options, context));
}

async function holdException(id: ExceptionId, options: Options, context: CommandContext): Promise<void> {
  requireActor(options, context);
  const [vault, ...otherVaults] = vaultsOf(options);
  const asked = {
    reference: options.reference,
    reason: options.reason,
    ...(options.below === undefined ? {} : { scope: [...options.below] }),
    ...(vault === undefined ? {} : { vault }),
    ...(otherVaults.length === 0 ? {} : { otherVaults }),
  };
  const { holdBody } = await import('../../api/index.ts');
  const parsed = holdBody.safeParse(asked);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CliFailure(
      EXIT.malformed,
      `\`${issue?.path.join('.') ?? ''}\`: ${issue?.message ?? 'not understood'}`,
      { remedy: '`proviso exception hold --help` shows the form' },
    );
  }
  await withDesk(options, context, async (desk) =>
    said(
      await desk.call('holdException', { params: { id }, body: parsed.data }),
      id,
      options,
      context,
      vault === undefined
        ? 'on legal hold; the purge waits, switching off does not. Nothing is moved'
        : 'on legal hold; it is moved to the vault, and the purge waits until it stands there; switching off does not',
    ),
  );
}

function vaultsOf({ vault = [], vaultKey = [] }: Options) {
  if (vault.length !== vaultKey.length)
    throw new CliFailure(EXIT.malformed, '`--vault` and `--vault-key` belong together', {
      remedy: 'give a key for each vault, in the same order, or neither',
    });
  return vault.map((named, index) => {
    const slash = named.indexOf('/');
    return {
      bucketName: slash === -1 ? named : named.slice(0, slash),
      keyPrefix: slash === -1 ? '' : named.slice(slash + 1),
      kmsKeyArn: vaultKey[index],
    };
  });
}
