#import "LpPackPlugin.h"

#import "PersonaTexture.h"

@implementation LpPackPlugin {
  NSObject<FlutterPluginRegistrar> *_registrar;
  NSObject<FlutterTextureRegistry> *_textureRegistry;
  NSMutableDictionary<NSNumber *, PersonaTexture *> *_textures;
}

+ (void)registerWithRegistrar:(NSObject<FlutterPluginRegistrar> *)registrar {
  LpPackPlugin *plugin = [[LpPackPlugin alloc] initWithRegistrar:registrar];
#if TARGET_OS_IPHONE
  NSObject<FlutterBinaryMessenger> *messenger = [registrar messenger];
#else
  NSObject<FlutterBinaryMessenger> *messenger = registrar.messenger;
#endif
  FlutterMethodChannel *channel = [FlutterMethodChannel methodChannelWithName:@"lp_pack_flutter"
                                                              binaryMessenger:messenger];
  [registrar addMethodCallDelegate:plugin channel:channel];
}

- (instancetype)initWithRegistrar:(NSObject<FlutterPluginRegistrar> *)registrar {
  self = [super init];
  if (self != nil) {
    _registrar = registrar;
#if TARGET_OS_IPHONE
    _textureRegistry = [registrar textures];
#else
    _textureRegistry = registrar.textures;
#endif
    _textures = [NSMutableDictionary dictionary];
  }
  return self;
}

- (void)dealloc {
  for (PersonaTexture *texture in _textures.allValues) [texture stop];
}

- (void)handleMethodCall:(FlutterMethodCall *)call result:(FlutterResult)result {
  NSDictionary *arguments =
      [call.arguments isKindOfClass:[NSDictionary class]] ? call.arguments : @{};
  if ([call.method isEqualToString:@"attach"]) {
    [self attach:arguments[@"session"] result:result];
  } else if ([call.method isEqualToString:@"redraw"]) {
    NSNumber *identifier = arguments[@"texture"];
    if (identifier != nil) [_textures[identifier] redraw];
    result(nil);
  } else if ([call.method isEqualToString:@"detach"]) {
    NSNumber *identifier = arguments[@"texture"];
    if (identifier != nil) {
      [_textures[identifier] stop];
      [_textures removeObjectForKey:identifier];
    }
    result(nil);
  } else if ([call.method isEqualToString:@"assetPath"]) {
    result([self pathOfAsset:arguments[@"asset"]]);
  } else if ([call.method isEqualToString:@"storagePath"]) {
    result(NSSearchPathForDirectoriesInDomains(NSApplicationSupportDirectory, NSUserDomainMask, YES)
               .firstObject);
  } else {
    result(FlutterMethodNotImplemented);
  }
}

- (void)attach:(NSNumber *)session result:(FlutterResult)result {
  if (![session isKindOfClass:[NSNumber class]]) {
    result([FlutterError errorWithCode:@"argument"
                               message:@"attach needs the session, a number"
                               details:nil]);
    return;
  }
  PersonaTexture *texture = [PersonaTexture textureWithSession:session.longLongValue
                                                      registry:_textureRegistry];
  if (texture == nil) {
    result([FlutterError errorWithCode:@"closed" message:@"the persona is closed" details:nil]);
    return;
  }
  _textures[@(texture.textureId)] = texture;
  result(@(texture.textureId));
}

/// Assets are plain files in the app's bundle.
- (nullable NSString *)pathOfAsset:(NSString *)asset {
  if (![asset isKindOfClass:[NSString class]]) return nil;
  NSString *key = [_registrar lookupKeyForAsset:asset];
  NSString *path = [[NSBundle mainBundle].bundlePath stringByAppendingPathComponent:key];
  return [[NSFileManager defaultManager] fileExistsAtPath:path] ? path : nil;
}

@end
