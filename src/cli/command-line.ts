import type { Command, CommanderError } from 'commander';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

/** Commander's sentences, and ours. What is captured was typed, or is how an option is declared. */
const SENTENCES: readonly (readonly [RegExp, (...found: readonly string[]) => string])[] = [
  [/^unknown option '([\s\S]*)'$/, (option) => `unknown option \`${option}\``],
  [/^unknown command '([\s\S]*)'$/, (command) => `unknown command \`${command}\``],
  [/^missing required argument '([^']*)'$/, (name) => `the argument \`${name}\` is missing`],
  [/^option '([^']*)' argument missing$/, (option) => `the option \`${option}\` was given without its value`],
  [/^required option '([^']*)' not specified$/, (option) => `the option \`${option}\` is missing`],
  [
    /^option '([^']*)' cannot be used with option '([^']*)'$/,
    (one, other) => `the options \`${one}\` and \`${other}\` cannot be given together`,
  ],
  [
    /^option '([^']*)' argument '([\s\S]*)' is invalid\. ([\s\S]*)$/,
    (option, value, why) => `the option \`${option}\` cannot be \`${value}\`: ${expected(why)}`,
  ],
  [
    /^command-argument value '([\s\S]*)' is invalid for argument '([^']*)'\. ([\s\S]*)$/,
    (value, name, why) => `the argument \`${name}\` cannot be \`${value}\`: ${expected(why)}`,
  ],
  [
    /^too many arguments(?: for '[^']*')?\. Expected (\d+) arguments? but got (\d+): ([\s\S]*)\.$/,
    (most, count, given) =>
      `too many arguments: it takes ${most === '0' ? 'none' : `at most ${most}`}, and ${count} were given (\`${given}\`)`,
  ],
];

/** Our own readers say `expected …`; commander's list of choices becomes the same. */
const expected = (why = ''): string =>
  why.replace(/^Allowed choices are (.*)\.$/s, (_all, choices: string) => `expected one of ${choices}`);

/**
 * A complaint of the option parser in the words of all others: what is wrong, that nothing was done, what to do.
 *
 * @param error - not help and not the version, which end the parse by throwing too
 * @param argv - without the program's own name
 */
export function commandLineFault(
  error: CommanderError,
  program: Command,
  argv: readonly string[],
): CliFailure {
  const [, said = '', meant] =
    /^error: ([\s\S]*?)(?:\n\(Did you mean (?:one of )?(.*)\?\))?$/.exec(error.message) ?? [];
  const used = usedCommand(program, argv);
  const help = `\`${used} --help\` shows how it is used`;
  return new CliFailure(EXIT.malformed, inOurWords(said === '' ? error.message : said), {
    remedy: `nothing was done; ${
      meant === undefined
        ? ''
        : `did you mean ${meant
            .split(', ')
            .map((word) => `\`${word}\``)
            .join(' or ')}? `
    }${help}`,
  });
}

function inOurWords(said: string): string {
  for (const [pattern, sentence] of SENTENCES) {
    const found = pattern.exec(said);
    if (found !== null) return sentence(...found.slice(1));
  }
  return said;
}

/** The longest part of the command line that names a command or a group: `proviso policy review`. */
function usedCommand(program: Command, argv: readonly string[]): string {
  let used = program;
  const names = [program.name()];
  for (const word of argv) {
    const next = used.commands.find((command) => command.name() === word);
    if (next === undefined) break;
    used = next;
    names.push(word);
  }
  return names.join(' ');
}
