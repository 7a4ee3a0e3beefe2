import type { z } from 'zod';
import {
  type EpochMs,
  type ExceptionId,
  epochMs,
  err,
  formatInstant,
  ok,
  type PrincipalId,
  type Problem,
  type RecordedEvent,
  type Result,
  renderMarkdown,
} from '../core/index.ts';
import {
  type AdoptedPolicy,
  adoptPolicy,
  closeUnproven,
  decideException,
  type EnforcementPlan,
  hold,
  isHeldAs,
  planEnforcement,
  policyCountedOn,
  type Rejudged,
  release,
  requestException,
  revoke,
  type SwitchOffResult,
  takeBackApproval,
  unknownException,
  withdraw,
} from '../enforcement/index.ts';
import {
  decisionSheet,
  describeState,
  type ExceptionRecord,
  type ExceptionState,
  type Judgement,
  POLICY_KEY,
  readException,
  readRecord,
  readSheets,
  type SignedCertificate,
  sheetFault,
} from '../exceptions/index.ts';
import { type LoadedPolicy, parsePolicy } from '../policy/index.ts';
import { parseChangeRecord, parseChangeSigners } from '../review/index.ts';
import type { Failure } from './failures.ts';
import { mayReadAll, type Operation, operation, POLICY_OWNER } from './operation.ts';
import { OVERVIEWS } from './overviews.ts';
import { changeRefusal } from './policy-change.ts';
import type { OperationCall } from './ports.ts';
import { requestIn } from './request-in.ts';
import {
  aboutNothing,
  aboutOne,
  adoptedView,
  certificateView,
  decisionBody,
  eventList,
  exceptionList,
  exceptionView,
  findingsView,
  healthView,
  holdBody,
  planBody,
  planView,
  policyBody,
  policyView,
  reasonBody,
  requestBody,
  revokedView,
  sheetView,
  submittedView,
} from './schemas.ts';
import { type ExceptionRow, type ExceptionView, listOf, viewOf } from './views.ts';

export type Submitted = ExceptionView & { readonly conditions: Judgement['conditions'] };
export type Revoked = ExceptionView & { readonly off?: SwitchOffResult };
export interface CertificateView {
  readonly hash: string;
  readonly certificate: SignedCertificate;
}
export interface SheetView {
  readonly sheetHash: string;
  readonly policyHash: string;
  readonly markdown: string;
}
export interface Adopted {
  readonly policy: string;
  readonly version: string;
  readonly hash: string;
  readonly isNew: boolean;
  readonly rejudged: readonly Rejudged[];
}

const unreadable = (what: string, problems: readonly Problem[]): Result<never, Failure> =>
  err({ code: 'MALFORMED', message: `${what} cannot be used`, problems });

const policyIn = ({
  name,
  text,
}: {
  readonly name: string;
  readonly text: string;
}): Result<LoadedPolicy, Failure> => {
  const parsed = parsePolicy(text, name);
  return parsed.ok ? parsed : unreadable(`\`${name}\``, parsed.error);
};

/** API Gateway waits 30 s; what follows a plan needs some of them. */
const PLAN_WITHIN_MS = 20_000;
const planUntil = ({ services }: OperationCall): EpochMs => epochMs(services.clock.now() + PLAN_WITHIN_MS);

const idOf = ({ id }: z.output<typeof aboutOne>): ExceptionId => id as ExceptionId;

/** After an act: what it set off happens, then the exception is read. */
async function after<T extends object>(
  call: OperationCall,
  id: ExceptionId,
  more: T,
): Promise<Result<ExceptionView & T, Failure>> {
  await call.settle();
  const view = await viewOf(call.services, id);
  return view.ok ? ok({ ...view.value, ...more }) : view;
}

const recordOf = async ({ services }: OperationCall, id: ExceptionId): Promise<ExceptionRecord | undefined> =>
  (await readException(services.store, id))?.value;

const stateOf = async (call: OperationCall, id: ExceptionId): Promise<ExceptionState | undefined> =>
  (await recordOf(call, id))?.state;

/** The exception, for those who may read it. */
async function readable(call: OperationCall, id: ExceptionId): Promise<Result<ExceptionView, Failure>> {
  const view = await viewOf(call.services, id);
  if (!view.ok || mayReadAll(call) || view.value.exception.requesterId === call.caller.id) return view;
  return err(unknownException(id));
}

export const OPERATIONS = {
  getHealth: operation({
    method: 'GET',
    path: '/health',
    summary: 'Version, clock and policy in force',
    description: 'For monitoring and `proviso doctor`: the service can read its table and knows its caller.',
    who: 'person',
    params: aboutNothing,
    answer: healthView,
    status: 200,
    async run({ services, version }) {
      const adopted = await readRecord<AdoptedPolicy>(services.store, POLICY_KEY);
      return ok({
        version,
        now: formatInstant(services.clock.now()),
        policy: adopted?.value.hash ?? null,
      });
    },
  }),
  getPolicy: operation({
    method: 'GET',
    path: '/policy',
    summary: 'The policy in force',
    description: 'Its text, as it was adopted.',
    who: 'person',
    params: aboutNothing,
    answer: policyView,
    status: 200,
    async run({ services }) {
      const { policy, hash, file } = await services.policyInForce.current();
      const adopted = await readRecord<AdoptedPolicy>(services.store, POLICY_KEY);
      const { id, version } = policy.metadata;
      return ok({ id, version, hash: hash as string, name: file, text: adopted?.value.text ?? '' });
    },
  }),
  adoptPolicy: operation({
    method: 'PUT',
    path: '/policy',
    summary: 'Put a policy in force',
    description:
      'What is pending or active is judged again by its standing conditions; an active exception that the policy refuses is switched off at once. Adopting the policy in force changes nothing. A loosening of the policy in force, and another list of signers, need the signed approvals of its reviewers.',
    who: POLICY_OWNER,
    params: aboutNothing,
    body: policyBody,
    answer: adoptedView,
    status: 200,
    async run(call, { body }): Promise<Result<Adopted, Failure>> {
      const parsed = policyIn(body);
      if (!parsed.ok) return parsed;
      const policy = parsed.value;
      const { signers: file, approvals } = body;
      const signers = file === undefined ? undefined : parseChangeSigners(file.text, file.name);
      if (signers?.ok === false) return unreadable('the signers', signers.error);
      const record =
        approvals === undefined ? ok({ approvals: [] }) : parseChangeRecord(approvals, 'approvals');
      if (!record.ok) return unreadable('the record of approvals', record.error);
      const adopted = await adoptPolicy(
        call.services,
        policy,
        body.text,
        call.caller.id,
        body.confirmedPlan,
        {
          ...(file === undefined ? {} : { signers: { file: file.name, text: file.text } }),
          planUntil: planUntil(call),
          refuses: (before) => changeRefusal(before, policy, signers?.value, record.value),
        },
      );
      await call.settle();
      if (!adopted.ok) return adopted;
      const { id, version } = policy.policy.metadata;
      return ok({ policy: id, version, hash: policy.hash, ...adopted.value });
    },
  }),
  planEnforcement: operation({
    method: 'POST',
    path: '/enforcement/plan',
    summary: 'What `enforce` of a policy would do today',
    description:
      'Account by account and Region by Region: what would be undone, what is foreign and would be left, what cannot be read. Nothing is written. `hash` is what `PUT /policy` takes as `confirmedPlan`: when the estate has changed since, it is another plan. An organization of which not everything can be read within 20 s gets no plan (503).',
    who: POLICY_OWNER,
    params: aboutNothing,
    body: planBody,
    isReading: true,
    answer: planView,
    status: 200,
    async run(call, { body }): Promise<Result<EnforcementPlan, Failure>> {
      const parsed = policyIn(body);
      if (!parsed.ok) return parsed;
      return ok(await planEnforcement(call.services, parsed.value, planUntil(call)));
    },
  }),
  getFindings: operation({
    method: 'GET',
    path: '/findings',
    summary: 'The last check of the organization',
    description:
      'The report of `proviso check --format json`: on one machine of the state as it is now, in AWS of the last scan of the organization that was finished, where only what is not fine is listed and `scan` names the accounts that it left out. `snapshotTakenAt` says how old the evidence is.',
    who: 'role',
    params: aboutNothing,
    answer: findingsView,
    status: 200,
    async run({ services }) {
      const report = await services.checks.latest();
      return report === undefined
        ? err({
            code: 'NO_REPORT',
            message: 'no check of the organization is stored, so nothing is known of its accounts',
            remedy:
              'the nightly scan writes one when it is finished; look at its last execution (docs/runbooks/scan-incomplete.md)',
          })
        : ok(report as Readonly<Record<string, unknown>>);
    },
  }),
  listExceptions: operation({
    method: 'GET',
    path: '/exceptions',
    summary: 'List exceptions, newest last',
    description: 'Whoever holds no role sees what they asked for themselves.',
    who: 'role-or-requester',
    params: aboutNothing,
    answer: exceptionList,
    status: 200,
    async run(call): Promise<Result<{ exceptions: readonly ExceptionRow[] }, Failure>> {
      const { services, caller } = call;
      const isShown = ({ requesterId }: { readonly requesterId: PrincipalId }): boolean =>
        mayReadAll(call) || requesterId === caller.id;
      return ok({ exceptions: await listOf(services, isShown) });
    },
  }),
  ...OVERVIEWS,
  requestException: operation({
    method: 'POST',
    path: '/exceptions',
    summary: 'Ask for an exception',
    description:
      'Every condition of the policy is judged now. A refused request is recorded and changes nothing else.',
    who: 'person',
    params: aboutNothing,
    body: requestBody,
    answer: submittedView,
    status: 201,
    async run(call, { body }): Promise<Result<Submitted, Failure>> {
      const { services, caller, isRepeat, newId } = call;
      if (isRepeat && newId !== undefined) {
        const made = (await services.history.about(newId)).find(({ type }) => type === 'exception.requested');
        if (made !== undefined)
          return after(call, newId, { conditions: made.data['conditions'] as Judgement['conditions'] });
      }
      const parsed = requestIn(body);
      if (!parsed.ok) return parsed;
      const policy = await policyCountedOn(services, body.policy, caller.id);
      if (!policy.ok) return policy;
      const submitted = await requestException(services, parsed.value, caller.id, policy.value);
      if (!submitted.ok) return submitted;
      return after(call, submitted.value.record.id, { conditions: submitted.value.judgement.conditions });
    },
  }),
  getException: operation({
    method: 'GET',
    path: '/exceptions/{id}',
    summary: 'An exception as it stands',
    description: 'What is asked, who decided, what happened, and the hash that approvers sign.',
    who: 'role-or-requester',
    params: aboutOne,
    answer: exceptionView,
    status: 200,
    run: (call, { params }) => readable(call, idOf(params)),
  }),
  getSheet: operation({
    method: 'GET',
    path: '/exceptions/{id}/sheet',
    summary: 'The decision sheet',
    description: 'What approvers read; they sign the SHA-256 of exactly its bytes.',
    who: 'role-or-requester',
    params: aboutOne,
    answer: sheetView,
    status: 200,
    async run(call, { params }): Promise<Result<SheetView, Failure>> {
      const view = await readable(call, idOf(params));
      if (!view.ok) return view;
      const { exception, policyHash } = view.value;
      const admission =
        exception.admissions.find((each) => each.policyHash === policyHash) ?? exception.admissions.at(-1);
      if (admission === undefined) throw new Error(`\`${exception.id}\` has no decision sheet`);
      const sheets = await readSheets(call.services.store, exception);
      const fault = sheetFault(exception, admission.policyHash, sheets);
      if (fault !== undefined)
        return err({
          code: 'HASH_MISMATCH',
          message: `\`${exception.id}\`: ${fault}`,
          remedy: 'compare the state with a backup: somebody changed what stands in the record',
        });
      // As it was signed; only versions that kept no sheets render it anew.
      const markdown = sheets.get(admission.sheetHash) ?? renderMarkdown(decisionSheet(exception, admission));
      return ok({ sheetHash: admission.sheetHash, policyHash: admission.policyHash, markdown });
    },
  }),
  listEvents: operation({
    method: 'GET',
    path: '/exceptions/{id}/events',
    summary: 'Everything that happened to an exception, in order',
    description: 'The record. It never holds prompts, responses or task tokens.',
    who: 'role-or-requester',
    params: aboutOne,
    answer: eventList,
    status: 200,
    async run(call, { params }): Promise<Result<{ events: readonly RecordedEvent[] }, Failure>> {
      const view = await readable(call, idOf(params));
      return view.ok ? ok({ events: await call.services.history.about(idOf(params)) }) : view;
    },
  }),
  getCertificate: operation({
    method: 'GET',
    path: '/exceptions/{id}/certificate',
    summary: 'The signed certificate of closure',
    description: 'As it was signed. Whoever reads it checks hash and signature themselves.',
    who: 'role-or-requester',
    params: aboutOne,
    answer: certificateView,
    status: 200,
    async run(call, { params }): Promise<Result<CertificateView, Failure>> {
      const id = idOf(params);
      const view = await readable(call, id);
      if (!view.ok) return view;
      const { certificate, state } = view.value.exception;
      if (certificate === undefined)
        return err({
          code: 'NO_CERTIFICATE',
          message: `\`${id}\` has no certificate: it is ${describeState(state)}`,
          remedy: 'a certificate is signed when an exception closes',
        });
      const signed = await call.services.certificates.read(id, certificate.hash);
      return signed === undefined
        ? err({
            code: 'FAULT',
            message: `the certificate of \`${id}\` is missing where certificates are kept`,
            remedy: 'restore it from a backup',
          })
        : ok({ hash: certificate.hash, certificate: signed });
    },
  }),
  decideException: operation({
    method: 'POST',
    path: '/exceptions/{id}/decisions',
    summary: 'Approve or reject in one role',
    description:
      'One person decides once, the requester never. The decision is over the hash of exactly what was shown; a rejection is final.',
    who: 'person',
    params: aboutOne,
    body: decisionBody,
    answer: exceptionView,
    status: 201,
    async run(call, { params, body }): Promise<Result<ExceptionView, Failure>> {
      const { services, caller, isRepeat } = call;
      const id = idOf(params);
      const { role, decision, subjectHash, reason } = body;
      if (isRepeat) {
        const record = await recordOf(call, id);
        const isDone = record?.decisions.some(
          (made) =>
            made.principalId === caller.id &&
            made.role === role &&
            made.decision === decision &&
            made.subjectHash.startsWith(subjectHash),
        );
        if (isDone === true) return after(call, id, {});
      }
      const decided = await decideException(services, {
        id,
        principalId: caller.id,
        role,
        decision,
        subjectHash,
        ...(reason === undefined ? {} : { reason }),
      });
      return decided.ok ? after(call, id, {}) : decided;
    },
  }),
  takeBackApproval: operation({
    method: 'POST',
    path: '/exceptions/{id}/take-back',
    summary: 'Take an approval of one’s own back before anything is enabled',
    description: 'The exception is pending again. Afterwards it can only be revoked.',
    who: 'person',
    params: aboutOne,
    body: reasonBody,
    answer: exceptionView,
    status: 200,
    async run(call, { params, body }): Promise<Result<ExceptionView, Failure>> {
      const { services, caller, isRepeat } = call;
      const id = idOf(params);
      const last = isRepeat
        ? (await recordOf(call, id))?.decisions.findLast(({ principalId }) => principalId === caller.id)
        : undefined;
      if (last?.decision === 'take-back') return after(call, id, {});
      const taken = await takeBackApproval(services, id, caller.id, body.reason);
      return taken.ok ? after(call, id, {}) : taken;
    },
  }),
  withdrawException: operation({
    method: 'POST',
    path: '/exceptions/{id}/withdrawal',
    summary: 'Take back a request before it is enabled',
    description: 'The requester, and those who decide.',
    who: 'person',
    params: aboutOne,
    body: reasonBody,
    answer: exceptionView,
    status: 200,
    async run(call, { params, body }): Promise<Result<ExceptionView, Failure>> {
      const id = idOf(params);
      if (call.isRepeat && (await stateOf(call, id)) === 'withdrawn') return after(call, id, {});
      const done = await withdraw(call.services, id, call.caller.id, body.reason);
      return done.ok ? after(call, id, {}) : done;
    },
  }),
  revokeException: operation({
    method: 'POST',
    path: '/exceptions/{id}/revocation',
    summary: 'End an exception now',
    description:
      'The lease is revoked and content storage switched off before this answers. Nothing is asked first: every person may (off needs nothing). `off.isOff` says whether it was read back as off; where it was not, the sweeper goes on.',
    who: 'person',
    isUnlimited: true,
    params: aboutOne,
    body: reasonBody,
    answer: revokedView,
    status: 200,
    async run(call, { params, body }): Promise<Result<Revoked, Failure>> {
      const id = idOf(params);
      if ((await readException(call.services.store, id)) === undefined) return err(unknownException(id));
      const ended = await revoke(call.services, id, call.caller.id, body.reason);
      if (!ended.ok) return ended;
      const { off } = ended.value;
      return after(call, id, off === undefined ? {} : { off });
    },
  }),
  holdException: operation({
    method: 'POST',
    path: '/exceptions/{id}/hold',
    summary: 'Keep what was captured from being purged',
    description:
      'Legal, not the requester, with a matter and a reason. With a vault, what is in scope is moved there and the purge waits until it is; without one the purge waits until the release, and what AWS deletes by itself at the destination is deleted all the same. Switching off waits for nothing.',
    who: 'person',
    params: aboutOne,
    body: holdBody,
    answer: exceptionView,
    status: 200,
    async run(call, { params, body }): Promise<Result<ExceptionView, Failure>> {
      const id = idOf(params);
      const { actor: _actor, ...asked } = body;
      if (call.isRepeat && (await isHeldAs(call.services, id, call.caller.id, asked)))
        return after(call, id, {});
      const done = await hold(call.services, id, call.caller.id, asked);
      return done.ok ? after(call, id, {}) : done;
    },
  }),
  releaseException: operation({
    method: 'POST',
    path: '/exceptions/{id}/release',
    summary: 'End a legal hold',
    description:
      'Legal, not the requester, with a reason. Purging goes on at once, and its proof starts over.',
    who: 'person',
    params: aboutOne,
    body: reasonBody,
    answer: exceptionView,
    status: 200,
    async run(call, { params, body }): Promise<Result<ExceptionView, Failure>> {
      const id = idOf(params);
      const last = call.isRepeat ? (await recordOf(call, id))?.holds?.at(-1)?.released : undefined;
      if (last?.by === call.caller.id && last.reason === body.reason) return after(call, id, {});
      const done = await release(call.services, id, call.caller.id, body.reason);
      return done.ok ? after(call, id, {}) : done;
    },
  }),
  closeUnproven: operation({
    method: 'POST',
    path: '/exceptions/{id}/closure-without-proof',
    summary: 'Close a contested exception that cannot be proven purged',
    description:
      'Legal or Security, not the requester, with a reason, once content storage was read back as off.',
    who: 'person',
    params: aboutOne,
    body: reasonBody,
    answer: exceptionView,
    status: 200,
    async run(call, { params, body }): Promise<Result<ExceptionView, Failure>> {
      const id = idOf(params);
      if (call.isRepeat && (await stateOf(call, id)) === 'closed-unproven') return after(call, id, {});
      const done = await closeUnproven(call.services, id, call.caller.id, body.reason);
      return done.ok ? after(call, id, {}) : done;
    },
  }),
} as const;

export type OperationId = keyof typeof OPERATIONS;
type Described<K extends OperationId> = (typeof OPERATIONS)[K];
export type ParamsOf<K extends OperationId> =
  Described<K> extends Operation<infer Params, infer _B, infer _A> ? Params : never;
export type BodyOf<K extends OperationId> =
  Described<K> extends Operation<infer _P, infer Body, infer _A> ? Body : never;
export type AnswerOf<K extends OperationId> =
  Described<K> extends Operation<infer _P, infer _B, infer Answer> ? Answer : never;
