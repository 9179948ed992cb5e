/** Loader hook of `walk.mjs`: each function of `libs/<name>/dist` calls `__walk(file, name)` first. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const OURS = /\/libs\/([^/]+)\/dist\/(.+)\.js$/;

export async function load(url, context, nextLoad) {
  const [, lib, path] = OURS.exec(url) ?? [];
  if (!lib) return nextLoad(url, context);
  const source = ts.createSourceFile(
    url,
    await readFile(fileURLToPath(url), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const { transformed } = ts.transform(source, [
    (context) => (file) => traced(file, `${lib}/${path}`, context),
  ]);
  return { format: 'module', shortCircuit: true, source: ts.createPrinter().printFile(transformed[0]) };
}

function traced(sourceFile, file, { factory }) {
  const visit = (node) => {
    const visited = ts.visitEachChild(node, visit, undefined);
    if (!ts.isFunctionLike(visited) || !visited.body) return visited;
    const call = factory.createExpressionStatement(
      factory.createCallExpression(factory.createIdentifier('__walk'), undefined, [
        factory.createStringLiteral(file),
        factory.createStringLiteral(nameOf(node)),
      ]),
    );
    return withFirst(visited, call, factory);
  };
  return ts.visitNode(sourceFile, visit);
}

/** A derived constructor may not touch `this` before `super()`; the call does not. */
function withFirst(node, call, factory) {
  const statements = ts.isBlock(node.body)
    ? node.body.statements
    : [factory.createReturnStatement(node.body)];
  const body = factory.createBlock([call, ...statements], true);
  const { modifiers, name, parameters, asteriskToken } = node;
  switch (node.kind) {
    case ts.SyntaxKind.FunctionDeclaration:
      return factory.createFunctionDeclaration(
        modifiers,
        asteriskToken,
        name,
        undefined,
        parameters,
        undefined,
        body,
      );
    case ts.SyntaxKind.FunctionExpression:
      return factory.createFunctionExpression(
        modifiers,
        asteriskToken,
        name,
        undefined,
        parameters,
        undefined,
        body,
      );
    case ts.SyntaxKind.ArrowFunction:
      return factory.createArrowFunction(modifiers, undefined, parameters, undefined, undefined, body);
    case ts.SyntaxKind.MethodDeclaration:
      return factory.createMethodDeclaration(
        modifiers,
        asteriskToken,
        name,
        undefined,
        undefined,
        parameters,
        undefined,
        body,
      );
    case ts.SyntaxKind.Constructor:
      return factory.createConstructorDeclaration(modifiers, parameters, body);
    case ts.SyntaxKind.GetAccessor:
      return factory.createGetAccessorDeclaration(modifiers, name, parameters, undefined, body);
    case ts.SyntaxKind.SetAccessor:
      return factory.createSetAccessorDeclaration(modifiers, name, parameters, body);
    default:
      return node;
  }
}

function nameOf(node) {
  const owner = ts.findAncestor(node.parent, (parent) => ts.isClassLike(parent))?.name?.text;
  const own = ts.isConstructorDeclaration(node) ? 'constructor' : node.name?.getText();
  const given =
    own ??
    (ts.isVariableDeclaration(node.parent) || ts.isPropertyDeclaration(node.parent)
      ? node.parent.name.getText()
      : undefined);
  return [owner, given ?? `anonymous:${node.pos}`].filter(Boolean).join('.');
}
