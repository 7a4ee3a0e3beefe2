import { resolve } from 'node:path';
import { readAttestationFiles } from '../adapters/files/index.ts';
import { type Attestation, attestationFor, readAttestations } from '../attestations/index.ts';
import { assertNever, type EpochMs } from '../core/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import type { Coverage, SubjectRef } from '../rules/index.ts';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { malformedDocuments } from './policies.ts';

/**
 * The attestations that lie beside the evidence, in `attestations/` of a snapshot or of a state directory.
 * @throws {CliFailure} `EXIT.malformed` with every fault: one that cannot be read must not silently cover nothing
 */
export async function loadAttestations(
  dir: string,
  { policy }: LoadedPolicy,
  context: CommandContext,
): Promise<readonly Attestation[]> {
  const named = dir.replace(/\/+$/, '');
  const files = await readAttestationFiles(resolve(context.cwd, dir));
  if (!files.ok)
    throw new CliFailure(EXIT.malformed, `the attestations of \`${named}\` cannot be read`, {
      details: files.error.map(({ path, message }) => `${named}/${path}\n  ${message}`),
      remedy: 'replace them by files, or remove them: then they cover nothing',
    });
  const read = readAttestations(files.value, policy.controls);
  if (read.ok) return read.value;
  throw malformedDocuments(
    read.error.map((problem) => ({ ...problem, file: `${named}/${problem.file}` })),
    `the attestations of \`${named}\` cannot be used`,
  );
}

/** Which attestation covers a finding at `now`. */
export const attestedBy =
  (attestations: readonly Attestation[], now: EpochMs) =>
  (controlId: string, subject: SubjectRef): Coverage | undefined => {
    const found = attestationFor(attestations, controlId, subjectName(subject), now);
    return found === undefined
      ? undefined
      : {
          kind: 'attestation',
          attestationId: found.id,
          document: found.document.title,
          signer: found.signer.id,
          until: found.validUntil,
        };
  };

/** A subject as attestations name it; the same text for the same subject, for ever. */
export function subjectName(subject: SubjectRef): string {
  switch (subject.kind) {
    case 'account-region':
      return `${subject.accountId}/${subject.region}`;
    case 'principal':
      return subject.arn;
    case 'account':
      return subject.accountId;
    case 'principals':
    case 'organization':
      // Nothing that could not be listed can be vouched for, and a review is proven by its record: no pattern looks like this.
      return subject.kind;
    default:
      return assertNever(subject, 'subject');
  }
}
