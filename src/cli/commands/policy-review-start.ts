import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { readSdkSettings } from '../../adapters/aws/sdk-settings.ts';
import { coverageOf } from '../../compliance/index.ts';
import type { OpenState } from '../../compose.ts';
import { renderMarkdown, sha256Hex } from '../../core/index.ts';
import type { AdoptedPolicy } from '../../enforcement/index.ts';
import { collectSnapshot, compareSettings, type SettingsComparison } from '../../evidence/index.ts';
import {
  exceptionHygiene,
  listExceptions,
  listLeaseRows,
  POLICY_KEY,
  readRecord,
} from '../../exceptions/index.ts';
import { BEDROCK_ACTION_CLASSES, BEDROCK_ACTIONS, CATALOGUE } from '../../iam/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import {
  type AttestationSummary,
  buildDossier,
  type Learnt,
  mayStart,
  newReviewId,
  type ReviewHistory,
  reviewEvidence,
  reviewStatus,
  startReview,
} from '../../review/index.ts';
import { type CheckReport, checkSnapshot } from '../../rules/index.ts';
import { attestedBy, loadAttestations } from '../attestations.ts';
import type { CommandContext } from '../context.ts';
import { leasesOf, loadSnapshot } from '../estate.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { writeTextFile } from '../files.ts';
import { readTexts } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { renderDossierHtml } from '../report/paper-html.ts';
import { changesSince } from '../review-changes.ts';
import {
  type ActingReviewOptions,
  DOSSIER_FILES,
  dossierFolder,
  refusedReview,
  reviewCommand,
  reviewJson,
} from '../reviews.ts';
import { asOption, keptExceptions, reviewHistory, withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends ActingReviewOptions {
  readonly snapshot?: readonly string[];
  readonly out?: string;
}

export function register(program: Command, context: CommandContext): void {
  reviewCommand(
    program,
    'start',
    'Open a review of the policy in force: write its dossier (Markdown and one HTML page, the same words) and wait for the signatures of the bodies that the policy names. Give earlier snapshots to show how the findings went.',
    'proviso policy review start --as anna',
    'proviso policy review start --as anna --snapshot 2026-01/ --snapshot 2026-06/ --out dossier/',
  )
    .addOption(asOption())
    .option('--snapshot <dir>', 'an earlier snapshot, for the trend of findings (repeatable)', readTexts)
    .option('--out <dir>', 'write copies of the dossier here too')
    .action((options: Options) => start(options, context));
}

async function start(options: Options, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    const { services } = state;
    const { store, directory } = services;
    const people = await directory.people();
    const now = state.clock.now();
    const policy = await services.policyInForce.current();
    const adopted = await readRecord<AdoptedPolicy>(store, POLICY_KEY);
    const policyText = adopted?.value.text ?? '';
    const id = newReviewId(services.ids);
    const awsActions = { asOf: CATALOGUE.date, actions: BEDROCK_ACTIONS };
    const unclassified = BEDROCK_ACTIONS.filter((action) => !Object.hasOwn(BEDROCK_ACTION_CLASSES, action));
    const input = { awsActions, id, policy, policyText, by: options.as, people, now };
    // Asked before anything is written; `startReview` asks again, and records a refusal.
    if ((await mayStart(store, options.as, people)) === undefined) {
      const history = await reviewHistory(state);
      const status = reviewStatus(history, policy.policy.review.every, now);
      const dossier = buildDossier({
        reviewId: id,
        startedBy: options.as,
        now,
        policy,
        policyText,
        status,
        changes: changesSince(status.lastComplete, policy),
        exceptions: (await listExceptions(store)).map(({ value }) => value),
        refusedRequests: state.events
          .events()
          .filter(
            ({ type, at }) =>
              type === 'exception.request-refused' && at > (status.lastComplete?.completedAt ?? 0),
          ).length,
        checks: await checks(options.snapshot ?? [], policy, history, state, context),
        attestations: { kind: 'known', value: await attestations(options.state, policy, context) },
        awsChanges: { known: awsActions, unclassified, settings: settingsOfSdk() },
      });
      const [markdown, page] = [renderMarkdown(dossier), renderDossierHtml(dossier)];
      for (const folder of [dossierFolder(state, id), ...(options.out === undefined ? [] : [options.out])]) {
        await writeTextFile(join(folder, DOSSIER_FILES.markdown), markdown, context);
        await writeTextFile(join(folder, DOSSIER_FILES.html), page, context);
      }
      const documents = { markdown: sha256Hex(markdown), html: sha256Hex(page) };
      const started = await startReview(services, { ...input, documents });
      if (!started.ok) return refusedReview(options, context, started.error);
      if (options.format === 'json') return writeJson(context, reviewJson(started.value));
      const kept = options.out ?? relative(resolve(context.cwd), dossierFolder(state, id));
      return writeLines(context, [
        ...wrap(
          printable(
            `${id}  opened by ${options.as}; to sign: ${started.value.bodies.map(({ body }) => body).join(', ')}`,
          ),
          context.width,
        ),
        ...wrap(
          printable(`read ${join(kept, DOSSIER_FILES.html)} or ${join(kept, DOSSIER_FILES.markdown)}`),
          context.width,
        ),
        `sign: --hash ${started.value.dossierHash.slice(0, 16)}`,
      ]);
    }
    const nothing = { markdown: sha256Hex(''), html: sha256Hex('') };
    const refused = await startReview(services, { ...input, documents: nothing });
    if (refused.ok) throw new Error('a review that may not start was started');
    refusedReview(options, context, refused.error);
  });
}

/** The fields of the settings in the SDK that this program runs with, against those that somebody has classified. */
function settingsOfSdk(): Learnt<SettingsComparison> {
  const read = readSdkSettings();
  return read.ok
    ? { kind: 'known', value: compareSettings(read.value) }
    : { kind: 'not-available', because: read.error };
}

/** Those that lie in the state directory; the ones that need somebody come first. */
async function attestations(
  directory: string,
  policy: LoadedPolicy,
  context: CommandContext,
): Promise<readonly AttestationSummary[]> {
  const all = await loadAttestations(directory, policy, context);
  return all
    .toSorted((left, right) => left.validUntil - right.validUntil || (left.id < right.id ? -1 : 1))
    .map(({ id, document, signer, control, validUntil }) => ({
      id,
      says: `${document.title} (${document.reference}), for \`${control}\``,
      signedBy: `\`${signer.id}\`, ${signer.title}`,
      until: validUntil,
    }));
}

/** The given snapshots in the order of their time, then the state's own AWS as it is now; all by the policy of the review. */
async function checks(
  snapshots: readonly string[],
  policy: LoadedPolicy,
  history: ReviewHistory,
  state: OpenState,
  context: CommandContext,
): Promise<readonly CheckReport[]> {
  const reports: CheckReport[] = [];
  for (const dir of snapshots) {
    const snapshot = await loadSnapshot(dir, context);
    const now = snapshot.takenAt;
    reports.push(
      await checkSnapshot({
        snapshot,
        policy,
        now,
        coverage: coverageOf(snapshot, leasesOf(snapshot, dir), now),
        attested: attestedBy(await loadAttestations(dir, policy, context), now),
      }),
    );
  }
  reports.sort((left, right) => left.snapshotTakenAt - right.snapshotTakenAt);
  const now = state.clock.now();
  const collected = await collectSnapshot(state.aws.evidence, {
    regions: policy.policy.storage.scope.regions,
    takenAt: now,
    signal: context.signal,
  });
  if (!collected.ok)
    throw new CliFailure(EXIT.fault, collected.error.message, { remedy: collected.error.remedy });
  const leases = (await listLeaseRows(state.services.store)).map(({ value }) => value);
  const current = await checkSnapshot({
    snapshot: collected.value,
    policy,
    now,
    coverage: coverageOf(collected.value, leases, now),
    attested: attestedBy(await loadAttestations(state.directory, policy, context), now),
    records: {
      review: reviewEvidence(history, policy, now),
      exceptions: exceptionHygiene(await keptExceptions(state, leases), policy, now),
    },
  });
  return [...reports, current];
}
