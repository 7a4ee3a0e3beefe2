import type { AccountId, Clock, Region } from '../../core/index.ts';
import type { Pair } from '../../enforcement/index.ts';
import { AccountAccess, type ClientSettings } from './account-access.ts';

/**
 * The roles of a member account (templates/member-account.yml). One per act, so that whoever may look may not switch, whoever may switch
 * off may not switch on, and nobody who switches can read what was captured.
 */
export const MEMBER_ROLES = {
  /** Reads settings and the facts of a destination. */
  collect: 'proviso/ProvisoCollect',
  /** Puts a logging configuration. */
  enable: 'proviso/ProvisoEnable',
  /** Deletes the logging configuration; where the baseline is metadata-only, puts that too. */
  disable: 'proviso/ProvisoDisable',
  /** Answers AWS Config, and asks it for an item that was too large to send. */
  evaluate: 'proviso/ProvisoEvaluate',
  /** Makes and lists an exception's own destination, and deletes what is in it; cannot read an object's body. */
  purge: 'proviso/ProvisoPurge',
  /** Reads raw batches, writes the vault, deletes raw versions: of exceptions that are filtered. */
  drain: 'proviso/ProvisoDrain',
  /** Copies what is on legal hold into its vault. */
  hold: 'proviso/ProvisoHold',
  /** Denies a destination and disables its key, when switching off does not work. */
  'second-lever': 'proviso/ProvisoSecondLever',
} as const;
export type MemberAct = keyof typeof MEMBER_ROLES;

export interface MemberRoles {
  /** Settings of a client that acts in this account and Region, and nowhere else, by the role of `act`. */
  settingsFor(act: MemberAct, pair: Pair): Promise<ClientSettings>;
  close(): void;
}

export interface MemberRoleOptions {
  readonly clock: Clock;
  readonly homeRegion: Region;
  readonly externalId?: string;
  /** Of the governance account, and so of all. Default: asked of STS, once for each role. */
  readonly partition?: string;
  /** Attempts of a call that only reads or that can be repeated, the first included. */
  readonly maxAttempts?: number;
}

/** Roles are assumed in every account, our own included: the functions themselves have no right to any setting. */
export function memberRoles(options: MemberRoleOptions): MemberRoles {
  const accessOf = (act: MemberAct): AccountAccess =>
    new AccountAccess({
      clock: options.clock,
      homeRegion: options.homeRegion,
      maxAttempts: options.maxAttempts ?? 4,
      roleName: MEMBER_ROLES[act],
      sessionName: `proviso-${act}`,
      alwaysAssume: true,
      ...(options.externalId === undefined ? {} : { externalId: options.externalId }),
      ...(options.partition === undefined ? {} : { partition: options.partition }),
    });
  const accesses = new Map<MemberAct, AccountAccess>();
  return {
    settingsFor(act, { accountId, region }: { accountId: AccountId; region: Region }) {
      const access = accesses.get(act) ?? accessOf(act);
      accesses.set(act, access);
      return access.settingsFor(accountId, region);
    },
    close() {
      for (const access of accesses.values()) access.close();
    },
  };
}
