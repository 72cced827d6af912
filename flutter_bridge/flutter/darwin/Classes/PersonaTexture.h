// A Flutter texture that shows a session's latest picture.
#import <CoreVideo/CoreVideo.h>
#import <Foundation/Foundation.h>
#if __has_include(<Flutter/Flutter.h>)
#import <Flutter/Flutter.h>
#else
#import <FlutterMacOS/FlutterMacOS.h>
#endif

NS_ASSUME_NONNULL_BEGIN

@interface PersonaTexture : NSObject <FlutterTexture>

/// The id by which Flutter's Texture widget knows it.
@property(nonatomic, readonly) int64_t textureId;

/// Registers a texture that shows the session of this ticket; nil when the session is closed.
+ (nullable instancetype)textureWithSession:(int64_t)session
                                   registry:(NSObject<FlutterTextureRegistry> *)registry;

/// Draws the current frame again.
- (void)redraw;

/// Takes no more frames and unregisters the texture. On the main thread.
- (void)stop;

@end

NS_ASSUME_NONNULL_END
