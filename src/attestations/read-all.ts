import { err, ok, type Problem, parseSourceDocument, type Result } from '../core/index.ts';
import type { AttestationProblemCode } from './errors.ts';
import { parseAttestation } from './parse.ts';
import type { Attestation } from './types.ts';

/** One control of the policy, as far as attestations ask. */
export interface AttestableControl {
  readonly id: string;
  readonly coverableByException: boolean;
}

/**
 * Reads every file of a folder, path to text, and checks them against the policy's controls and against each other. One that is
 * refused refuses all: a report in which an attestation silently does not count would be wrong in the reader's eyes.
 */
export function readAttestations(
  files: ReadonlyMap<string, string>,
  controls: readonly AttestableControl[],
): Result<readonly Attestation[], readonly Problem[]> {
  const read: Attestation[] = [];
  const problems: Problem[] = [];
  for (const [file, text] of files) {
    const parsed = parseAttestation(text, file);
    if (!parsed.ok) problems.push(...parsed.error);
    else {
      const fault = faultAmong(parsed.value, read, controls);
      if (fault === undefined) read.push(parsed.value);
      else problems.push(placed(text, file, fault));
    }
  }
  return problems.length > 0 ? err(problems) : ok(read);
}

interface Fault {
  readonly field: string;
  readonly code: AttestationProblemCode;
  readonly message: string;
  readonly remedy: string;
}

function faultAmong(
  { id, control: controlId }: Attestation,
  others: readonly Attestation[],
  controls: readonly AttestableControl[],
): Fault | undefined {
  const twin = others.find((other) => other.id === id);
  if (twin !== undefined)
    return {
      field: 'id',
      code: 'attestation-duplicate',
      message: `the id \`${id}\` stands in \`${twin.file}\` already`,
      remedy: 'give each attestation an id of its own',
    };
  const control = controls.find((each) => each.id === controlId);
  if (control === undefined)
    return {
      field: 'control',
      code: 'attestation-unknown-control',
      message: `the policy has no control \`${controlId}\``,
      remedy: `it has ${controls.map((each) => each.id).join(', ')}`,
    };
  return control.coverableByException
    ? {
        field: 'control',
        code: 'attestation-not-allowed',
        message: `\`${controlId}\` is covered by exceptions alone`,
        remedy: 'request an exception',
      }
    : undefined;
}

function placed(text: string, file: string, { field, code, message, remedy }: Fault): Problem {
  const document = parseSourceDocument(text, file);
  if (!document.ok) throw new Error(`\`${file}\` was read before and cannot be read now`);
  return document.value.problemAt([field], code, message, remedy);
}
