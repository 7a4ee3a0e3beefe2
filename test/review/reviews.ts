import { DatabaseSync } from 'node:sqlite';
import { sqliteRecordStore } from '../../src/adapters/embedded/record-store.ts';
import {
  type DomainEvent,
  type EpochMs,
  epochMs,
  principalId,
  type Result,
  sha256Hex,
} from '../../src/core/index.ts';
import { type Person, parsePeople } from '../../src/exceptions/index.ts';
import type { LoadedPolicy } from '../../src/policy/index.ts';
import {
  answerObjection,
  type DossierHashes,
  declareChange,
  listDeclaredChanges,
  listReviews,
  newReviewId,
  objectToReview,
  type ReviewHistory,
  type ReviewRecord,
  type ReviewRefusal,
  readOpenReview,
  signReview,
  startReview,
  tellReviews,
} from '../../src/review/index.ts';
import { POLICY_TEXT, shippedPolicy } from '../policy/shipped.ts';

export const START: EpochMs = epochMs(Date.UTC(2026, 10, 20, 9));
export const DAY_MS = 86_400_000;

const PEOPLE = `kind: People
schemaVersion: 1
people:
  - { id: anna, name: Anna Berg, roles: [ai-governance] }
  - { id: lena, name: Lena Fischer, roles: [legal] }
  - { id: liam, name: Liam Moss, roles: [legal] }
  - { id: priya, name: Priya Raman, roles: [security] }
  - { id: carl, name: Carl Osei, roles: [cloud-architecture] }
  - { id: max, name: Max Weber, roles: [legal, security, cloud-architecture, ai-governance] }
  - { id: rosa, name: Rosa Blum, roles: [auditor] }
  - { id: gone, name: Gone Away, roles: [legal], active: false }
`;

/** The bodies of the shipped policy, each with somebody who may sign for it. */
export const SIGNERS = [
  ['cloud-architecture', 'carl'],
  ['security', 'priya'],
  ['legal', 'lena'],
  ['ai-governance', 'anna'],
] as const;

export const DOCUMENTS: DossierHashes = { markdown: sha256Hex('# dossier'), html: sha256Hex('<html>') };

/** The code of a refusal, or `done`. */
export const codeOf = (result: Result<unknown, ReviewRefusal>): string =>
  result.ok ? 'done' : result.error.code;

/** A review's records in memory, with a clock that the test sets. */
export class Reviews {
  readonly #store = sqliteRecordStore(new DatabaseSync(':memory:'));
  readonly events: DomainEvent[] = [];
  now: EpochMs = START;
  policy: LoadedPolicy = shippedPolicy();
  documents: DossierHashes = DOCUMENTS;
  readonly #ids = {
    count: 0,
    next(length: number): string {
      this.count += 1;
      return String(this.count).padStart(length, '0');
    },
  };
  readonly #people: readonly Person[];

  constructor() {
    const people = parsePeople(PEOPLE, 'people.yaml');
    if (!people.ok) throw new Error('the people of the test cannot be read');
    this.#people = people.value;
  }

  /** The process dies when it tells the next event: the commit before it stands. */
  diesTelling = false;

  /** As strict as the port: an event with a key is recorded once. */
  async #record(event: DomainEvent): Promise<void> {
    if (event.key !== undefined && this.events.some(({ key }) => key === event.key)) return;
    if (this.diesTelling) {
      this.diesTelling = false;
      throw new Error('the process died');
    }
    this.events.push(event);
  }

  tell(): Promise<void> {
    return tellReviews(this.#services);
  }

  get #services() {
    return {
      store: this.#store,
      recorder: { record: (event: DomainEvent) => this.#record(event) },
      ids: this.#ids,
    };
  }
  #act(by: string) {
    return { ...this.#services, principalId: principalId(by), people: this.#people, now: this.now };
  }

  start(by = 'anna') {
    return startReview(this.#services, {
      id: newReviewId(this.#ids),
      policy: this.policy,
      policyText: POLICY_TEXT,
      documents: DOCUMENTS,
      awsActions: { asOf: '2026-09-26', actions: ['bedrock:InvokeModel'] },
      by: principalId(by),
      people: this.#people,
      now: this.now,
    });
  }

  async sign(body: string, by: string, hash?: string) {
    const open = await readOpenReview(this.#store);
    return signReview({
      ...this.#act(by),
      body,
      dossierHash: hash ?? open?.value.dossierHash ?? '',
      documents: this.documents,
      policyHash: this.policy.hash,
    });
  }

  object(body: string, by: string, reason = 'something is missing') {
    return objectToReview({ ...this.#act(by), body, reason });
  }

  answer(number: number, by: string, text = 'it is planned') {
    return answerObjection({ ...this.#act(by), number, text });
  }

  declare(text: string, by = 'carl') {
    return declareChange(this.#services, { text, by: principalId(by), people: this.#people, now: this.now });
  }

  async signAll(): Promise<void> {
    for (const [body, by] of SIGNERS) await this.sign(body, by);
  }

  async open(): Promise<ReviewRecord | undefined> {
    return (await readOpenReview(this.#store))?.value;
  }

  async history(inForceSince: EpochMs | undefined = START): Promise<ReviewHistory> {
    return {
      reviews: await listReviews(this.#store),
      changes: await listDeclaredChanges(this.#store),
      inForceSince,
    };
  }
}
