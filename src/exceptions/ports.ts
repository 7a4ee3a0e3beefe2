import type { Sha256Hex } from '../core/index.ts';
import type { Organization } from '../evidence/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import type { Notification } from './notifications.ts';
import type { Person } from './types.ts';

export interface StoredRecord {
  readonly key: string;
  /** 1 for the first write; grows by one with every write. */
  readonly version: number;
  readonly value: unknown;
}

export interface ConditionalWrite {
  readonly key: string;
  /** The version that was read; 0 for a record that must not exist yet. */
  readonly expectedVersion: number;
  readonly value: unknown;
}

/**
 * Exceptions, leases, waits and the policy in force. DynamoDB in AWS, SQLite on one machine.
 * Guarantees: `commit` is all or nothing, durable when it returns, and refuses (`conflict`) if any version differs;
 * `read` and `list` are read-after-write consistent.
 */
export interface RecordStore {
  read(key: string): Promise<StoredRecord | undefined>;
  /** Several at once, in the order of the keys, as they stood at one moment. In AWS one transaction. */
  readTogether(keys: readonly string[]): Promise<readonly (StoredRecord | undefined)[]>;
  /** Every record whose key begins with `prefix`, by key. */
  list(prefix: string): Promise<readonly StoredRecord[]>;
  commit(writes: readonly ConditionalWrite[]): Promise<'committed' | 'conflict'>;
}

/** Who exists now. Read at every decision and again at the start, never cached. */
export interface Directory {
  people(): Promise<readonly Person[]>;
}

/** The policy that is in force, by the state's own record; never a file that happens to lie around. */
export interface PolicyInForce {
  current(): Promise<LoadedPolicy>;
  /** The same of a record that was read already. @throws NoPolicyInForce where there is none */
  of(stored: StoredRecord | undefined): LoadedPolicy;
}

/** The accounts and units that exist, as last read. */
export interface OrganizationView {
  organization(): Promise<Organization>;
}

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/**
 * Starting, watching and waking workflow executions.
 * Guarantee: a name is started at most once; `already-exists` is an answer, not an error.
 */
export interface Executions {
  start(machine: 'exception' | 'ending', name: string, input: unknown): Promise<'started' | 'already-exists'>;
  status(machine: 'exception' | 'ending', name: string): Promise<ExecutionStatus | undefined>;
  /** Resumes a waiting task; `gone` when the task is closed or has timed out. Tokens only wake: recorded decisions decide. */
  wake(taskToken: string): Promise<'woken' | 'gone'>;
}

export interface Signature {
  readonly keyId: string;
  readonly algorithm: 'Ed25519' | 'ECDSA_SHA_256';
  /** Base64. */
  readonly signature: string;
  /** PEM (SPKI). */
  readonly publicKey: string;
}

/** Signs with a key that never leaves its holder: KMS in AWS, a file only its owner may read on one machine. */
export interface Signer {
  sign(bytes: Uint8Array): Promise<Signature>;
}

/** Certificates, kept beside the state. Guarantee: durable when it returns; a certificate is never overwritten. */
export interface CertificateStore {
  save(exceptionId: string, certificate: SignedCertificate): Promise<void>;
  /** As it was saved; the reader checks hash and signature. */
  read(exceptionId: string, statementHash: string): Promise<SignedCertificate | undefined>;
}

/**
 * Brings a notification to people: EventBridge in AWS, a file on one machine.
 * Guarantee: handed to the channel when it returns, at least once; the same one may be handed over again, with the same id.
 */
export interface Notifier {
  notify(notification: Notification): Promise<void>;
}

export interface SignedCertificate {
  readonly statement: Readonly<Record<string, unknown>>;
  readonly statementHash: Sha256Hex;
  readonly signature: Signature;
}
