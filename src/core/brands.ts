/** Nominal types for strings and numbers that must not be mixed up. A brand is made by a parser, never by a cast elsewhere. */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Milliseconds since 1970-01-01T00:00:00Z, whole, by the clock of the service that decides. */
export type EpochMs = Brand<number, 'EpochMs'>;
/** A length of time in whole milliseconds, never negative. */
export type DurationMs = Brand<number, 'DurationMs'>;
/** Twelve digits. */
export type AccountId = Brand<string, 'AccountId'>;
/** An AWS Region code such as `eu-central-1`. */
export type Region = Brand<string, 'Region'>;
export type Arn = Brand<string, 'Arn'>;
/** Lower-case hexadecimal SHA-256. */
export type Sha256Hex = Brand<string, 'Sha256Hex'>;
/** `ex-` and 12 characters; part of object keys and execution names, so neither `:` nor `/` occurs in it. */
export type ExceptionId = Brand<string, 'ExceptionId'>;
/** The immutable id of a person or a role; never an e-mail address. */
export type PrincipalId = Brand<string, 'PrincipalId'>;

export const epochMs = (value: number): EpochMs => value as EpochMs;
export const durationMs = (value: number): DurationMs => value as DurationMs;

const ACCOUNT_ID = /^[0-9]{12}$/;
const REGION = /^[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}$/;
const EXCEPTION_ID = /^ex-[0-9a-z-]{4,40}$/;
const PRINCIPAL_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const isAccountId = (text: string): text is AccountId => ACCOUNT_ID.test(text);
export const isRegion = (text: string): text is Region => REGION.test(text);
export const isExceptionId = (text: string): text is ExceptionId => EXCEPTION_ID.test(text);
export const isPrincipalId = (text: string): text is PrincipalId => PRINCIPAL_ID.test(text);

export function accountId(text: string): AccountId {
  if (!isAccountId(text)) throw new TypeError(`not a 12-digit account id: \`${text}\``);
  return text;
}
export function region(text: string): Region {
  if (!isRegion(text)) throw new TypeError(`not an AWS Region code: \`${text}\``);
  return text;
}
export function exceptionId(text: string): ExceptionId {
  if (!isExceptionId(text)) throw new TypeError(`not an exception id: \`${text}\``);
  return text;
}
export function principalId(text: string): PrincipalId {
  if (!isPrincipalId(text)) throw new TypeError(`not a principal id: \`${text}\``);
  return text;
}

/** The AWS partition of a Region, by the form of its code. */
export function partitionOfRegion(code: string): string {
  if (code.startsWith('cn-')) return 'aws-cn';
  return code.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
