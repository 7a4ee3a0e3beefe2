/*
 * A plugin for osls, run at packaging. A state machine names the exact version of every function that its definition was written with,
 * instead of whatever is newest. An execution of a Standard workflow keeps the definition with which it began, so an exception that was
 * approved before a deployment ends with the code it began with; the old versions stay (osls publishes them with DeletionPolicy Retain).
 *
 * Functions that AWS invokes by schedule or event get the alias `live`, which moves to a version only when that is published, and back
 * by one call (`aws lambda update-alias`) without a deployment.
 */

const ALIAS = 'live';

/** @param {string} text */
const capital = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/**
 * @param {{ Resources: Record<string, any> }} template changed in place
 * @param {readonly string[]} aliased functions as serverless.yml calls them
 */
export function useExactVersions(template, aliased) {
  const resources = Object.entries(template.Resources);
  const versionOf = new Map(
    resources
      .filter(([, { Type }]) => Type === 'AWS::Lambda::Version')
      .map(([id, { Properties }]) => [Properties.FunctionName.Ref, id]),
  );
  /** @param {string} functionId */
  const version = (functionId) => {
    const id = versionOf.get(functionId);
    if (id === undefined)
      throw new Error(`no version is published of \`${functionId}\`; is versionFunctions on?`);
    return id;
  };
  for (const [, { Type, Properties }] of resources) {
    if (Type !== 'AWS::StepFunctions::StateMachine') continue;
    for (const [name, value] of Object.entries(Properties.DefinitionSubstitutions ?? {})) {
      const [functionId, attribute] = value['Fn::GetAtt'] ?? [];
      if (attribute === 'Arn' && template.Resources[functionId]?.Type === 'AWS::Lambda::Function')
        Properties.DefinitionSubstitutions[name] = { Ref: version(functionId) };
    }
  }
  for (const name of aliased)
    template.Resources[`${capital(name)}Live`] = {
      Type: 'AWS::Lambda::Alias',
      Properties: {
        Name: ALIAS,
        FunctionName: { Ref: `${capital(name)}LambdaFunction` },
        FunctionVersion: { 'Fn::GetAtt': [version(`${capital(name)}LambdaFunction`), 'Version'] },
      },
    };
}

export default class ExactVersions {
  /** @param {any} serverless */
  constructor(serverless) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () =>
        useExactVersions(
          serverless.service.provider.compiledCloudFormationTemplate,
          serverless.service.custom?.aliases ?? [],
        ),
    };
  }
}
