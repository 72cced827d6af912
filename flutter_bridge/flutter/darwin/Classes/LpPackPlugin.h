#if __has_include(<Flutter/Flutter.h>)
#import <Flutter/Flutter.h>
#else
#import <FlutterMacOS/FlutterMacOS.h>
#endif

/// The Apple side of package:lp_pack_flutter: textures, and where the app's files are.
@interface LpPackPlugin : NSObject <FlutterPlugin>
@end
